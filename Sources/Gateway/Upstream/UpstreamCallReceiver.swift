internal import NIOCore
internal import Registry

/// Gathers the whole answer of one call of the manager's own, within its bound and its deadline.
///
/// Confined to its event loop (`@unchecked Sendable`).
final class UpstreamCallReceiver: AnswerReceiver, @unchecked Sendable {
    private let call: UpstreamCall
    private let plane: LoopPlane
    private var completion: ((Result<UpstreamAnswer, UpstreamFailure>) -> Void)?
    private var connection: UpstreamConnection?
    private var answer = UpstreamAnswer(status: 0, headers: [], body: ByteBuffer())
    private var deadline: Scheduled<Void>?

    init(_ call: UpstreamCall, plane: LoopPlane) {
        self.call = call
        self.plane = plane
    }

    /// Whether nothing in the head could end it early.
    static func isWellFormed(_ call: UpstreamCall) -> Bool {
        let texts = [call.method, call.path] + call.headers.flatMap { [$0.name, $0.value] }
        let hasBlank = (call.method + call.path).utf8.contains(0x20)
        return !hasBlank && call.path.hasPrefix("/")
            && texts.allSatisfy { $0.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } }
    }

    func run(_ completion: @escaping (Result<UpstreamAnswer, UpstreamFailure>) -> Void) {
        self.completion = completion
        let timeout = TimeAmount.nanoseconds(max(0, self.call.timeout.inNanoseconds))
        self.deadline = self.plane.loop.scheduleTask(in: timeout) {
            self.end(.failure(UpstreamFailure(kind: .timeout, detail: "no answer within \(self.call.timeout)")))
        }
        self.plane.connector
            .connect(to: self.call.url, origin: self.origin, upstream: nil, lane: nil, on: self.plane.loop)
            .whenComplete { self.connected($0) }
    }

    func cancel() {
        self.end(.failure(UpstreamFailure(kind: .reset, detail: "cancelled")))
    }

    private func connected(_ result: Result<UpstreamConnection, any Error>) {
        switch result {
        case .success(let connection) where self.completion == nil: connection.close()
        case .success(let connection):
            self.connection = connection
            connection.send(self.request, answersHead: self.call.method == "HEAD", to: self)
        case .failure(let error): self.end(.failure(UpstreamConnector.failure(error)))
        }
    }

    private var origin: ServiceURL { self.call.origin ?? self.call.url }

    private var request: ByteBuffer {
        var head = "\(self.call.method) \(self.call.path) HTTP/1.1\r\nhost: \(self.origin.authority)\r\n"
        head += "user-agent: model-manager\r\nconnection: close\r\n"
        for header in self.call.headers { head += "\(header.name): \(header.value)\r\n" }
        if let body = self.call.body { head += "content-length: \(body.readableBytes)\r\n" }
        var request = ByteBuffer(string: head + "\r\n")
        if let body = self.call.body { request.writeImmutableBuffer(body) }
        return request
    }

    // MARK: Answers

    override func receivedWhole(_ head: ResponseHead, headBytes: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer) {
        self.receivedHead(head, headBytes: headBytes)
        self.receivedBody(ByteBuffer(bytes: body))
        self.receivedEnd()
    }

    override func receivedHead(_ head: ResponseHead, headBytes: UnsafeRawBufferPointer) {
        self.answer.status = head.status
        var lines = head.lines(of: headBytes)
        while let line = lines.nextLine() {
            let name = String(decoding: line.name.bytes(of: headBytes), as: UTF8.self)
            let value = String(decoding: line.value.bytes(of: headBytes), as: UTF8.self)
            self.answer.headers.append((name, value))
        }
    }

    override func receivedBody(_ bytes: ByteBuffer) {
        guard self.answer.body.readableBytes + bytes.readableBytes <= self.call.answerBytesMax else {
            return self.end(.failure(.tooLong(self.call.answerBytesMax)))
        }
        self.answer.body.writeImmutableBuffer(bytes)
    }

    override func receivedEnd() {
        self.end(.success(self.answer))
    }

    override func failed(_ end: UpstreamEnd) {
        guard case .failure(let kind) = end.kind else { return }
        self.end(.failure(UpstreamFailure(kind: kind, detail: end.detail)))
    }

    private func end(_ result: Result<UpstreamAnswer, UpstreamFailure>) {
        let completion = self.completion
        self.completion = nil
        self.deadline?.cancel()
        self.deadline = nil
        self.connection?.abandon()
        self.connection = nil
        completion?(result)
    }
}
