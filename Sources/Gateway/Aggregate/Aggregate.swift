internal import Decisions
internal import NIOCore
internal import Registry

/// One request that asks several model versions at once: an exchange for each, on one loop and under one deadline, and
/// one answer made of theirs. The shell of `AggregateTally`.
///
/// Each member is a request like any other to balancing, limits, breakers and counters. Confined to its event loop.
final class Aggregate {
    /// What goes to the caller.
    struct Outcome {
        var status: Int
        var code: Problem.Code?
        var body: ByteBuffer
        var attempts: Int
    }

    private let order: AggregateOrder
    private let plane: LoopPlane
    private let requestID: String
    private let completion: (Outcome) -> Void
    private var tally: AggregateTally
    private var members: [AggregateMember] = []
    private(set) var isOver = false

    /// Throws what is wrong with the order, or names a model or version that nobody knows.
    static func begin(
        for image: RequestImage,
        options: ExchangeOptions,
        plane: LoopPlane,
        completion: @escaping (Outcome) -> Void
    ) throws(Refusal) -> Aggregate {
        let aggregate = try image.withBody { body throws(Refusal) in
            let found = try RequestPlan.scanned(body)
            let order = try self.order(found.aggregate, body)
            return Aggregate(order, plane, image.requestIDText, completion)
        }
        try aggregate.start(image, options)
        return aggregate
    }

    private init(
        _ order: AggregateOrder,
        _ plane: LoopPlane,
        _ requestID: String,
        _ completion: @escaping (Outcome) -> Void
    ) {
        self.order = order
        self.plane = plane
        self.requestID = requestID
        self.completion = completion
        self.tally = AggregateTally(order)
    }

    /// The caller has left.
    func cancel() {
        guard !self.isOver else { return }
        self.isOver = true
        for member in self.members { member.cancel() }
    }

    // MARK: Asking

    private static func order(_ member: BodyScan.Member, _ body: UnsafeRawBufferPointer) throws(Refusal)
        -> AggregateOrder
    {
        // The scanner has read it as JSON already; only a member that is there twice inside can still be wrong.
        let range =
            member.kind == .string ? ByteRange(from: member.range.offset - 1, to: member.range.end + 1) : member.range
        guard let value = try? JSONValue.parse(Array(range.bytes(of: body))) else {
            throw .member("aggregate", "has a member twice", type: "value_error")
        }
        do throws(AggregateOrder.Fault) {
            return try AggregateOrder(value)
        } catch {
            let place = error.location.joined(separator: ".")
            let fault = Refusal.Fault(location: error.location, message: error.message, type: error.type)
            throw Refusal(Problem(.validationError, "\(place): \(error.message)"), faults: [fault])
        }
    }

    private func start(_ image: RequestImage, _ options: ExchangeOptions) throws(Refusal) {
        var pools: [Result<RoutePool, Refusal>] = []
        for target in self.order.targets {
            do throws(Refusal) {
                pools.append(.success(try RequestPlan.pool(of: target, options, plane: self.plane)))
            } catch {
                guard error.problem.code.status >= 500 else { throw error }
                pools.append(.failure(error))
            }
        }
        var options = options
        options.timeoutNanoseconds = min(options.timeoutNanoseconds, self.plane.settings.timeout.inNanoseconds)
        try self.makeMembers(image, options)
        let now = MonotonicClock.now()
        for (place, pool) in pools.enumerated() where !self.isOver {
            switch pool {
            case .success(let pool): self.members[place].begin(pool, now: now)
            case .failure(let refusal): self.answered(place, .failure(refusal.problem.code.rawValue))
            }
        }
    }

    private func makeMembers(_ image: RequestImage, _ options: ExchangeOptions) throws(Refusal) {
        self.members = try image.withBody { body throws(Refusal) in
            let found = try RequestPlan.scanned(body)
            return self.order.targets.enumerated().map { place, target in
                let member = AggregateMember(target, field: self.order.field, plane: self.plane) { [weak self] answer in
                    self?.answered(place, answer)
                }
                member.exchange.image = RequestImage(image, body: AggregateBody.make(for: target, from: body, found))
                member.exchange.options = options
                return member
            }
        }
    }

    // MARK: Answering

    private func answered(_ place: Int, _ answer: AggregateTally.Answer) {
        guard !self.isOver else { return }
        guard case .finish(let isMet, let cancelled) = self.tally.answered(place, answer) else { return }
        self.isOver = true
        for place in cancelled where place < self.members.count { self.members[place].cancel() }
        self.completion(isMet ? self.combined() : self.failed(.quorumNotMet, self.quorumText))
    }

    private var quorumText: String {
        "\(self.tally.values) of \(self.order.targets.count) members answered, \(self.order.quorum) had to"
    }

    private func combined() -> Outcome {
        var (values, weights, first) = ([JSONValue](), [Double](), 0)
        for (place, answer) in self.tally.answers.enumerated() {
            guard case .value(let value) = answer else { continue }
            if self.tally.first == place { first = values.count }
            values.append(value)
            if !self.order.weights.isEmpty { weights.append(self.order.weights[place]) }
        }
        do throws(Combination.Mismatch) {
            let value = try Combination.combine(values, by: self.order.strategy, weights: weights, first: first)
            let body: JSONValue = [
                self.order.field: value, "strategy": .string(self.order.strategy.rawValue), "members": self.memberList,
                "quorum": .integer(Int64(self.order.quorum)),
            ]
            return self.outcome(200, nil, body)
        } catch {
            return self.failed(.upstreamInvalid, "the members' answers do not go together: \(error.message)")
        }
    }

    private func failed(_ code: Problem.Code, _ message: String) -> Outcome {
        self.plane.counts.problems[code, default: 0] += 1
        let body: JSONValue = [
            "error": .string(message), "code": .string(code.rawValue), "detail": .string(message),
            "request_id": .string(self.requestID), "attempts": [], "strategy": .string(self.order.strategy.rawValue),
            "members": self.memberList, "quorum": .integer(Int64(self.order.quorum)),
        ]
        return self.outcome(code.status, code, body)
    }

    private func outcome(_ status: Int, _ code: Problem.Code?, _ body: JSONValue) -> Outcome {
        Outcome(
            status: status,
            code: code,
            body: ByteBuffer(string: body.serialized()),
            attempts: self.members.reduce(0) { $0 + $1.attempts }
        )
    }

    private var memberList: JSONValue {
        .array(
            zip(self.members, self.tally.answers).map { member, answer in
                let version = member.version ?? member.target.version ?? .latest
                var shown: JSONObject = [
                    "model_type": .string(member.target.modelType.text), "model_version": .string(version.text),
                    "service_id": member.service.map { .string($0.text) } ?? .null,
                    "ms": .integer(member.milliseconds),
                ]
                switch answer {
                case .value(let value): shown[self.order.field] = value
                case .failure(let reason): shown["error"] = .string(reason)
                case nil: shown["error"] = "cancelled"
                }
                return .object(shown)
            }
        )
    }
}
