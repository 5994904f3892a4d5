internal import Decisions
internal import NIOCore
internal import Registry

/// Stands between an exchange and its caller when they speak different protocols: gathers the answer and says it in the
/// caller's.
///
/// A caller of the Open Inference Protocol reads `error` of whatever went wrong, so failed native answers are said in
/// that form; a native caller gets a failed answer byte for byte, as from a native service. Bound: an answer beyond
/// `MAX_BODY_BYTES` is not gathered. Confined to the exchange's event loop.
final class TranslatedAnswer: AnswerSink {
    enum Language: Hashable {
        case native
        /// With the id that the caller gave the request.
        case inference(id: String?)
    }

    private let outer: AnswerSink
    private let exchange: Exchange
    private let language: Language
    private var head: (status: Int, reason: String)?
    private var body = ByteBuffer()
    private var isTooLong = false

    init(_ outer: AnswerSink, _ exchange: Exchange, to language: Language) {
        self.outer = outer
        self.exchange = exchange
        self.language = language
    }

    // MARK: From the exchange

    override func answerWhole(
        _ exchange: Exchange,
        _ head: ResponseHead,
        headBytes: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer
    ) {
        guard self.translates(head) else {
            return self.outer.answerWhole(exchange, head, headBytes: headBytes, body: body)
        }
        self.answerBegan(exchange, head, headBytes: headBytes)
        self.append(ByteBuffer(bytes: body))
        self.answerEnded()
    }

    override func answerBegan(_ exchange: Exchange, _ head: ResponseHead, headBytes: UnsafeRawBufferPointer) {
        guard self.translates(head) else { return self.outer.answerBegan(exchange, head, headBytes: headBytes) }
        self.head = (head.status, String(decoding: head.reason.bytes(of: headBytes), as: UTF8.self))
    }

    override func answerMoved(_ bytes: ByteBuffer) {
        guard self.head != nil else { return self.outer.answerMoved(bytes) }
        self.append(bytes)
    }

    override func answerPaused() { if self.head == nil { self.outer.answerPaused() } }

    override func answerEnded() {
        guard let head = self.head else { return self.outer.answerEnded() }
        self.head = nil
        guard !self.isTooLong else { return self.fail("the instance's answer is too long to be translated") }
        do throws(TensorFault) {
            self.pass(try self.translated(isGood: (200..<300).contains(head.status)), head)
        } catch {
            self.fail("the instance's answer cannot be translated: \(error.message)")
        }
    }

    override func answerBroke() {
        guard self.head != nil else { return self.outer.answerBroke() }
        self.head = nil
        self.fail("the instance broke off its answer")
    }

    override func answerProblem(_ exchange: Exchange, _ problem: Problem) {
        self.outer.answerProblem(exchange, problem)
    }

    override func exchangeEnded() { self.outer.exchangeEnded() }

    override var takesMore: Bool { self.head != nil || self.outer.takesMore }

    // MARK: Saying it again

    private func translates(_ head: ResponseHead) -> Bool {
        self.language != .native || (200..<300).contains(head.status)
    }

    private func append(_ bytes: ByteBuffer) {
        let length = self.body.readableBytes + bytes.readableBytes
        self.isTooLong = self.isTooLong || length > self.exchange.plane.settings.bodyBytesMax
        if !self.isTooLong { self.body.writeImmutableBuffer(bytes) }
    }

    private func translated(isGood: Bool) throws(TensorFault) -> JSONValue {
        let answer = try? JSONValue.parse(Array(self.body.readableBytesView))
        guard isGood else { return Self.failed(answer, String(buffer: self.body)) }
        guard let answer, let pool = self.exchange.pool else { throw TensorFault("it is not JSON") }
        let version = self.exchange.member?.version ?? pool.key.version
        return switch self.language {
        case .native:
            try InferenceTranslation.nativeAnswer(from: answer, modelType: pool.key.modelType, version: version)
        case .inference(let id):
            try InferenceTranslation.inferenceAnswer(
                from: answer,
                modelType: pool.key.modelType,
                version: version,
                id: id
            )
        }
    }

    private static func failed(_ answer: JSONValue?, _ text: String) -> JSONValue {
        guard let answer else { return ["error": .string(String(text.prefix(1000)))] }
        if answer["error"]?.asString != nil { return answer }
        let told = answer["detail"] ?? answer
        return ["error": .string(told.asString ?? told.serialized())]
    }

    private func fail(_ message: String) {
        self.exchange.plane.counts.problems[.upstreamInvalid, default: 0] += 1
        self.outer.answerProblem(self.exchange, Problem(.upstreamInvalid, message))
    }

    /// The head is written as an instance would have, so that both doors add what they add to every answer.
    private func pass(_ answer: JSONValue, _ head: (status: Int, reason: String)) {
        let body = Array(answer.serialized().utf8)
        let lines = "content-type: application/json\r\ncontent-length: \(body.count)\r\n"
        let headBytes = Array("HTTP/1.1 \(head.status) \(head.reason)\r\n\(lines)\r\n".utf8)
        headBytes.withUnsafeBytes { headBytes in
            guard case .head(let parsed) = ResponseHead.parse(headBytes, limits: HeadLimits()) else {
                return self.fail("the instance's answer has no proper head")
            }
            body.withUnsafeBytes {
                self.outer.answerWhole(self.exchange, parsed, headBytes: headBytes, body: $0)
            }
        }
    }
}
