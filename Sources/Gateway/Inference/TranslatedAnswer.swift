internal import Decisions
internal import NIOCore
internal import Registry

/// Stands between an exchange and its caller when they speak different protocols: gathers the answer and says it in the
/// caller's.
///
/// A caller of the Open Inference Protocol reads `error` of whatever went wrong, so failed native answers are said in
/// that form; a native caller gets a failed answer byte for byte, as from a native service. Bound: an answer beyond
/// `MAX_BODY_BYTES` is not gathered. The hard case is a large answer: it is translated on a thread, and the exchange may end
/// meanwhile, so its end is told later and the member that answered is kept. Confined to the exchange's event loop.
final class TranslatedAnswer: AnswerSink {
    enum Language: Hashable, Sendable {
        case native
        /// With the id that the caller gave the request.
        case inference(id: String?)
    }

    private let outer: AnswerSink
    private let isWanted: () -> Bool
    private let exchange: Exchange
    private let language: Language
    private var head: (status: Int, reason: String)?
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
        guard let pool = self.exchange.pool else { return self.fail("the instance's answer came too late") }
        // What the exchange forgets when it ends, and an answer's headers are made of.
        let (member, image) = (self.exchange.member, self.exchange.image)
        let (type, language) = (pool.key.modelType, self.language)
        let version = member?.version ?? pool.key.version
        let isGood = (200..<300).contains(head.status)
        self.isTranslating = true
        let plane = self.exchange.plane
        plane.translations.run(Array(self.body.readableBytesView), on: plane.loop) { body throws(Refusal) in
            try Self.translated(body, isGood: isGood, to: language, type, version)
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

    private func translates(_ head: ResponseHead) -> Bool {
        self.language != .native || (200..<300).contains(head.status)
    }

    private func append(_ bytes: ByteBuffer) {
        let length = self.body.readableBytes + bytes.readableBytes
        self.isTooLong = self.isTooLong || length > self.exchange.plane.settings.bodyBytesMax
        if !self.isTooLong { self.body.writeImmutableBuffer(bytes) }
    }

    private func translated(
        _ result: Result<[UInt8], Refusal>,
        _ head: (status: Int, reason: String),
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
        isGood: Bool,
        to language: Language,
        _ type: ModelType,
        _ version: ModelVersion
    ) throws(Refusal) -> [UInt8] {
        let answer = try? JSONValue.parse(body)
        guard isGood else { return Array(Self.failed(answer, String(decoding: body, as: UTF8.self)).serialized().utf8) }
        do throws(TensorFault) {
            guard let answer else { throw TensorFault("it is not JSON") }
            let said =
                switch language {
                case .native: try InferenceTranslation.nativeAnswer(from: answer, modelType: type, version: version)
                case .inference(let id):
                    try InferenceTranslation.inferenceAnswer(from: answer, modelType: type, version: version, id: id)
                }
            return Array(said.serialized().utf8)
        } catch {
            let message = "the instance's answer cannot be translated: \(error.message)"
            throw Refusal(Problem(.upstreamInvalid, message))
        }
    }

    private static func failed(_ answer: JSONValue?, _ text: String) -> JSONValue {
        guard let answer else { return ["error": .string(String(text.prefix(1000)))] }
        if answer["error"]?.asString != nil { return answer }
        let told = answer["detail"] ?? answer
        return ["error": .string(told.asString ?? told.serialized())]
    }

    private func fail(_ message: String) { self.fail(Problem(.upstreamInvalid, message)) }

    private func fail(_ problem: Problem) {
        if !self.exchange.options.isCopy { self.exchange.plane.counts.problems[problem.code, default: 0] += 1 }
        self.outer.answerProblem(self.exchange, problem)
    }

    /// The head is written as an instance would have, so that both doors add what they add to every answer.
    private func pass(_ body: [UInt8], _ head: (status: Int, reason: String)) {
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
