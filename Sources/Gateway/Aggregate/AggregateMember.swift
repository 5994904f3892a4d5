internal import Decisions
internal import NIOCore
internal import Registry

/// One model version of an aggregate: an exchange of its own whose answer is gathered and read.
///
/// A large answer is read on a thread, under the bounds of translations: other requests of the loop do not wait for it.
/// Confined to its event loop.
final class AggregateMember: AnswerSink {
    /// An answer beyond this is not read; an aggregate holds as many as it has members.
    static let answerBytesMax = 4 * 1024 * 1024

    let target: AggregateOrder.Target
    let exchange: Exchange
    /// The version that the target stood for, once that is known.
    private(set) var version: ModelVersion?
    private(set) var service: ServiceID?
    private(set) var milliseconds: Int64 = 0
    private(set) var attempts = 0
    /// How long the answer was that was read.
    private(set) var answerBytes = 0
    private let field: String
    private let tell: (AggregateTally.Answer) -> Void
    private var began = Instant(nanoseconds: 0)
    private var body = ByteBuffer()
    private var status = 0
    private var isTooLong = false
    private var isWanted = true

    init(
        _ target: AggregateOrder.Target,
        field: String,
        plane: LoopPlane,
        tell: @escaping (AggregateTally.Answer) -> Void
    ) {
        self.target = target
        self.field = field
        self.exchange = Exchange(plane: plane)
        self.tell = tell
    }

    func begin(_ pool: RoutePool, now: Instant) {
        self.version = pool.key.version
        self.began = now
        guard pool.key.capability == .inference else { return self.exchange.begin(pool, sink: self, now: now) }
        let caller = Exchange.TranslationCaller(
            sink: self,
            isWanted: { self.isWanted },
            refuse: { self.tell(.failure($0.problem.code.rawValue)) },
            isCopied: false
        )
        self.exchange.beginTranslated(pool, for: caller)
    }

    /// What the caller is shown of the member beside its answer.
    var row: AggregateAnswer.Row {
        AggregateAnswer.Row(
            modelType: self.target.modelType,
            version: self.version ?? self.target.version ?? .latest,
            service: self.service,
            milliseconds: self.milliseconds
        )
    }

    func cancel() {
        self.isWanted = false
        self.exchange.cancel()
    }

    // MARK: From the exchange

    override func answerWhole(
        _ exchange: Exchange,
        _ head: ResponseHead,
        headBytes: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer
    ) {
        self.answerBegan(exchange, head, headBytes: headBytes)
        self.append(ByteBuffer(bytes: body))
        self.answerEnded()
    }

    override func answerBegan(_ exchange: Exchange, _ head: ResponseHead, headBytes: UnsafeRawBufferPointer) {
        self.status = head.status
        self.note(exchange)
    }

    override func answerMoved(_ bytes: ByteBuffer) { self.append(bytes) }

    override func answerEnded() {
        guard (200..<300).contains(self.status) else { return self.tell(.failure("status_\(self.status)")) }
        guard !self.isTooLong else { return self.tell(.failure("answer_too_long")) }
        let (plane, field, body) = (self.exchange.plane, self.field, Array(self.body.readableBytesView))
        self.answerBytes = body.count
        self.body = ByteBuffer()
        plane.translations.run(body, on: plane.loop) { body throws(Refusal) in
            Self.value(of: field, in: body)
        } _: { result in
            guard self.isWanted else { return }
            switch result {
            case .success(let answer): self.tell(answer)
            case .failure(let refusal): self.tell(.failure(refusal.problem.code.rawValue))
            }
        }
    }

    override func answerBroke() { self.tell(.failure("broken_answer")) }

    override func answerProblem(_ exchange: Exchange, _ problem: Problem) {
        self.note(exchange)
        self.tell(.failure(problem.code.rawValue))
    }

    private func note(_ exchange: Exchange) {
        self.service = exchange.member?.upstream.key.service
        self.attempts = exchange.attempts
        self.milliseconds = (MonotonicClock.now() - self.began).inNanoseconds / 1_000_000
    }

    private func append(_ bytes: ByteBuffer) {
        self.isTooLong = self.isTooLong || self.body.readableBytes + bytes.readableBytes > Self.answerBytesMax
        if !self.isTooLong { self.body.writeImmutableBuffer(bytes) }
    }

    private static func value(of field: String, in body: [UInt8]) -> AggregateTally.Answer {
        guard let answer = try? JSONValue.parse(body) else { return .failure("not_json") }
        return answer[field].map { .value($0) } ?? .failure("no_field")
    }
}
