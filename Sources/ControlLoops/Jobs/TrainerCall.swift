internal import Decisions
internal import Gateway
internal import NIOCore
internal import Registry

/// The requests that a runner makes to a trainer, and its answers in the words of the rules.
struct TrainerCall: Sendable {
    let url: ServiceURL
    /// What the trainer is called, where `url` names one address of it.
    let origin: ServiceURL
    let port: any TrainerPort

    /// Answers longer than this are failures; what is kept of one is shorter still.
    static let answerBytesMax = 1024 * 1024
    static let resultBytesMax = 64 * 1024

    /// The one request that may begin a training. Trainers that can are asked to answer before they are done.
    func order(_ body: ByteBuffer, key: String, within limit: Duration) async throws(UpstreamFailure) -> TrainerReply {
        var call = UpstreamCall(url: self.url, path: "\(self.url.pathPrefix)/train", timeout: limit)
        call.method = "POST"
        call.headers = [
            ("content-type", "application/json"), ("accept", "application/json"), ("idempotency-key", key),
            ("prefer", "respond-async"),
        ]
        call.body = body
        return try await self.send(call)
    }

    func ask(_ path: String, within limit: Duration) async throws(UpstreamFailure) -> TrainerReply {
        try await self.send(self.question("GET", path, limit))
    }

    func cancel(_ path: String, within limit: Duration) async throws(UpstreamFailure) -> TrainerReply {
        try await self.send(self.question("DELETE", path, limit))
    }

    func search(key: String, within limit: Duration) async throws(UpstreamFailure) -> TrainerReply {
        try await self.send(self.question("GET", "\(self.url.pathPrefix)/train?idempotency_key=\(key)", limit))
    }

    private func question(_ method: String, _ path: String, _ limit: Duration) -> UpstreamCall {
        var call = UpstreamCall(url: self.url, path: path, timeout: limit)
        call.method = method
        call.headers = [("accept", "application/json")]
        return call
    }

    private func send(_ call: UpstreamCall) async throws(UpstreamFailure) -> TrainerReply {
        var call = call
        call.origin = self.origin
        call.answerBytesMax = Self.answerBytesMax
        let answer = try await self.port.call(call)
        let bytes = Array(answer.body.readableBytesView)
        return TrainerReply(
            status: answer.status,
            location: answer.header("location"),
            retryAfter: answer.header("retry-after").flatMap { Int64($0) }.map { .seconds(max(0, min($0, 86_400))) },
            body: try? JSONValue.parse(bytes)
        )
    }
}

extension UpstreamAnswer {
    func header(_ name: String) -> String? {
        self.headers.first { $0.name.lowercased() == name }?.value
    }
}
