internal import Decisions
internal import NIOCore
internal import Registry

/// Stands between an exchange and its caller when they speak different protocols: gathers the answer and says it in the
/// caller's.
///
/// Callers also find errors in one form, whatever server they come from: those of the Open Inference Protocol under
/// `error`, native ones as a problem with the service's words inside. The status is the service's. Bounds: an answer beyond
/// `MAX_BODY_BYTES` is not gathered, of an error no more than `faultBytesMax`. The hard case is a large answer: it is
/// translated on a thread, and the exchange may end meanwhile, so its end is told later and the member that answered is
/// kept. Confined to the exchange's event loop.
final class TranslatedAnswer: AnswerSink {
    enum Language: Hashable, Sendable {
        case native
        /// With the id that the caller gave the request.
        case inference(id: String?)
        /// Server and caller both speak the Open Inference Protocol: all is passed on byte for byte, but for errors that
        /// do not say `error`.
        case untranslated
    }

    static let faultBytesMax = TranslationWorkers.loopBytesMax

    /// What of an answer's head is still needed when its body is there.
    private struct Head {
        var status: Int
        var reason: String
        var retryAfter: Int?
        var parsed: ResponseHead
        /// Empty unless it may go to the caller.
        var bytes: [UInt8] = []
    }

    private let outer: AnswerSink
    private let isWanted: () -> Bool
    private let exchange: Exchange
    private let language: Language
    private var head: Head?
    private var body = ByteBuffer()
    private var isTooLong = false
    private var isTranslating = false
    /// Whether the exchange ended while its answer was translated.
    private var endIsDue = false

    init(_ caller: Exchange.TranslationCaller, _ exchange: Exchange, to language: Language) {
        self.outer = caller.sink
        self.isWanted = caller.isWanted
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
        guard self.translates(head, headBytes) else {
            return self.outer.answerWhole(exchange, head, headBytes: headBytes, body: body)
        }
        self.answerBegan(exchange, head, headBytes: headBytes)
        self.append(ByteBuffer(bytes: body))
        self.answerEnded()
    }

    override func answerBegan(_ exchange: Exchange, _ head: ResponseHead, headBytes: UnsafeRawBufferPointer) {
        guard self.translates(head, headBytes) else {
            return self.outer.answerBegan(exchange, head, headBytes: headBytes)
        }
        self.head = Head(
            status: head.status,
            reason: String(decoding: head.reason.bytes(of: headBytes), as: UTF8.self),
            retryAfter: head.retryAfterSeconds >= 0 ? head.retryAfterSeconds : nil,
            parsed: head,
            bytes: self.language == .untranslated ? Array(headBytes.prefix(head.headBytes)) : []
        )
    }

    override func answerMoved(_ bytes: ByteBuffer) {
        guard self.head != nil else { return self.outer.answerMoved(bytes) }
        self.append(bytes)
    }

    override func answerPaused() { if self.head == nil { self.outer.answerPaused() } }

    override func answerEnded() {
        guard let head = self.head else { return self.outer.answerEnded() }
        self.head = nil
        guard head.status < 400 else { return self.passFault(head) }
        guard !self.isTooLong else { return self.fail("the instance's answer is too long to be translated") }
        guard let pool = self.exchange.pool else { return self.fail("the instance's answer came too late") }
        // What the exchange forgets when it ends, and an answer's headers are made of.
        let (member, image) = (self.exchange.member, self.exchange.image)
        let (type, language) = (pool.key.modelType, self.language)
        let version = member?.version ?? pool.key.version
        self.isTranslating = true
        let plane = self.exchange.plane
        plane.translations.run(Array(self.body.readableBytesView), on: plane.loop) { body throws(Refusal) in
            try Self.translated(body, to: language, type, version)
        } _: { result in
            self.translated(result, head, by: member, to: image)
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

    override func exchangeEnded() {
        self.endIsDue = self.isTranslating
        if !self.endIsDue { self.outer.exchangeEnded() }
    }

    override var takesMore: Bool { self.head != nil || self.outer.takesMore }

    // MARK: Saying it again

    /// What redirects is for the caller to follow, and what is compressed is for the client that asked for it.
    private func translates(_ head: ResponseHead, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard self.language == .untranslated else { return !(300..<400).contains(head.status) }
        guard head.status >= 400 else { return false }
        var lines = head.lines(of: bytes)
        while let line = lines.nextLine() {
            if line.header == .contentEncoding { return false }
        }
        return true
    }

    private func append(_ bytes: ByteBuffer) {
        let isFault = (self.head?.status ?? 0) >= 400
        let bytesMax = isFault ? Self.faultBytesMax : self.exchange.plane.settings.bodyBytesMax
        let room = bytesMax - self.body.readableBytes
        self.isTooLong = self.isTooLong || bytes.readableBytes > room
        if !self.isTooLong {
            self.body.writeImmutableBuffer(bytes)
        } else if isFault, let part = bytes.getSlice(at: bytes.readerIndex, length: max(0, room)) {
            self.body.writeImmutableBuffer(part)  // The beginning of an error says enough.
        }
    }

    private func translated(
        _ result: Result<[UInt8], Refusal>,
        _ head: Head,
        by member: RouteMember?,
        to image: RequestImage
    ) {
        self.isTranslating = false
        guard self.isWanted() else { return }
        if self.endIsDue {
            self.exchange.member = member
            self.exchange.image = image
        }
        switch result {
        case .success(let body): self.pass(body, head)
        case .failure(let refusal): self.fail(refusal.problem)
        }
        guard self.endIsDue else { return }
        self.exchange.member = nil
        self.exchange.image.rest()
        self.outer.exchangeEnded()
    }

    private static func translated(
        _ body: [UInt8],
        to language: Language,
        _ type: ModelType,
        _ version: ModelVersion
    ) throws(Refusal) -> [UInt8] {
        do throws(TensorFault) {
            guard let answer = try? JSONValue.parse(body) else { throw TensorFault("it is not JSON") }
            let said =
                switch language {
                case .native: try InferenceTranslation.nativeAnswer(from: answer, modelType: type, version: version)
                case .inference(let id):
                    try InferenceTranslation.inferenceAnswer(from: answer, modelType: type, version: version, id: id)
                case .untranslated: answer
                }
            return Array(said.serialized().utf8)
        } catch {
            let message = "the instance's answer cannot be translated: \(error.message)"
            throw Refusal(Problem(.upstreamInvalid, message))
        }
    }

    /// Small enough for the event loop.
    private func passFault(_ head: Head) {
        let body = Array(self.body.readableBytesView)
        guard self.language != .native else { return self.passProblem(head, ServiceErrorText.of(body)) }
        guard (try? JSONValue.parse(body))?["error"]?.asString == nil else {
            guard self.language == .untranslated else { return self.pass(body, head) }
            return head.bytes.withUnsafeBytes { headBytes in
                body.withUnsafeBytes {
                    self.outer.answerWhole(self.exchange, head.parsed, headBytes: headBytes, body: $0)
                }
            }
        }
        let error: JSONValue = ["error": .string(ServiceErrorText.of(body))]
        self.pass(Array(error.serialized().utf8), head)
    }

    private func passProblem(_ head: Head, _ text: String) {
        let code = Problem.Code(ofAnswer: head.status)
        let service = self.exchange.member?.upstream.key.service.text ?? "the service"
        let problem = Problem(
            code,
            "\(service) answered \(head.status): \(text)",
            detail: text,
            attempts: self.exchange.attemptsMade
        )
        let body = ProblemBody.render(problem, requestID: self.exchange.image.requestIDText)
        self.exchange.errorCode = code
        self.pass(Array(body.readableBytesView), head)
    }

    private func fail(_ message: String) { self.fail(Problem(.upstreamInvalid, message)) }

    private func fail(_ problem: Problem) {
        if !self.exchange.options.isCopy { self.exchange.plane.counts.problems[problem.code, default: 0] += 1 }
        self.outer.answerProblem(self.exchange, problem)
    }

    /// The head is written as an instance would have, so that both doors add what they add to every answer.
    private func pass(_ body: [UInt8], _ head: Head) {
        let retryAfter = head.retryAfter.map { "retry-after: \($0)\r\n" } ?? ""
        let lines = "content-type: application/json\r\ncontent-length: \(body.count)\r\n\(retryAfter)"
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
