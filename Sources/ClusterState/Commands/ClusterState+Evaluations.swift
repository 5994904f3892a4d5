internal import RedisClient
public import Registry

/// An offline test that somebody asked for.
public struct EvaluationOrder: Hashable, Sendable {
    public var id: EvaluationID
    public var type: ModelType
    public var version: ModelVersion
    /// An `EvaluationForm` as JSON.
    public var request: [UInt8]

    public init(id: EvaluationID, type: ModelType, version: ModelVersion, request: [UInt8]) {
        self.id = id
        self.type = type
        self.version = version
        self.request = request
    }
}

/// What became of such an order.
public enum EvaluationReply: Hashable, Sendable {
    case queued
    /// It waits already, or has its verdict.
    case known
    case full(waiting: Int, bytes: Int)
    case refused(ModelRefusal)
}

/// A test for the leader to make.
public struct DueEvaluation: Hashable, Sendable {
    public var order: EvaluationOrder
    /// How often somebody began it, this time included.
    public var attempts: Int

    public init(order: EvaluationOrder, attempts: Int) {
        self.order = order
        self.attempts = attempts
    }
}

extension ClusterState {
    /// Keeps a test until the leader makes it; may be repeated after an unknown outcome.
    public func submitEvaluation(
        _ order: EvaluationOrder,
        by actor: String? = nil
    ) async throws(StateError) -> EvaluationReply {
        let words: [RedisWord] = [
            RedisWord(order.id.text), RedisWord(order.type.text), RedisWord(order.version.text),
            RedisWord(order.request), RedisWord(actor ?? self.actor),
        ]
        var reply = try await self.call("evaluation_submit", words)
        switch try reply.text() {
        case "queued": return .queued
        case "known": return .known
        case "full": return .full(waiting: Int(try reply.integer()), bytes: Int(try reply.integer()))
        case let status: return .refused(try Self.refusal(status, &reply, "evaluation_submit"))
        }
    }

    /// The test that has waited longest; nil when there is none, or when the term is over.
    public func nextEvaluation(term: Term) async throws(StateError) -> DueEvaluation? {
        var reply = try await self.call("evaluation_next", [RedisWord(term.description)])
        guard try reply.text() == "ok" else { return nil }
        let id = try reply.text()
        let attempts = Int(try reply.integer())
        let (type, version, request) = (try reply.text(), try reply.text(), try reply.text())
        guard let id = EvaluationID(id), let type = ModelType(type), let version = ModelVersion(version) else {
            throw StateError(.unreadable, "the test \(id) makes no sense")
        }
        let order = EvaluationOrder(id: id, type: type, version: version, request: Array(request.utf8))
        return DueEvaluation(order: order, attempts: attempts)
    }

    /// Writes the verdict on the version. `promoting`: the version becomes the latest if it passed and this one still is.
    public func endEvaluation(
        _ order: EvaluationOrder,
        _ evaluation: Evaluation,
        promoting expected: ModelVersion? = nil,
        term: Term,
        floor: Epoch,
        by actor: String? = nil
    ) async throws(StateError) -> ModelReply {
        try await self.changeModel(
            "evaluation_end",
            order.type,
            [
                term.description, order.type.text, floor.description, actor ?? self.actor, order.id.text,
                order.version.text, evaluation.passed ? "passed" : "failed", expected?.text ?? "",
                evaluation.json.serialized(), evaluation.summary,
            ]
        )
    }
}
