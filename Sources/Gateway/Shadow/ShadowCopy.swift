internal import Decisions
internal import NIOCore
internal import Registry

/// The copy of one request: an exchange of its own whose answer is compared with the caller's and dropped.
///
/// When the shadow speaks another protocol than the service that the caller was answered by, the request is translated, and
/// the shadow's answer back, so that both answers are in the same words. It is sent once, waits for no permit, and counts for nothing but the shadow's figures, its version's and its
/// instance's. A request that names its version explicitly is no copy for another one: its turn goes to the next.
/// Confined to its event loop.
final class ShadowCopy: AnswerSink {
    /// What the caller asked for where the body does not say it.
    private let order: InferenceOrder?
    /// The protocol of the request and of both answers.
    private let speaks: RoutePool.Capability
    private let route: ShadowRoute
    private let lane: VersionLane
    private let plane: LoopPlane
    /// Set before it begins.
    var image: RequestImage?
    private var isOver = false
    private var caller = ShadowAnswer()
    private var gathered = GatheredAnswer()

    init(of order: InferenceOrder?, in pool: RoutePool, to route: ShadowRoute, lane: VersionLane, plane: LoopPlane) {
        self.order = order
        self.speaks = pool.key.capability
        self.route = route
        self.lane = lane
        self.plane = plane
    }

    /// A caller who left before the answer was whole.
    deinit {
        if !self.isOver { self.lane.copiesUnderWay -= 1 }
    }

    func begin(comparedWith caller: ShadowAnswer) {
        guard let image = self.image, !self.namesVersion(image) else {
            self.lane.shadowDue += 100
            return
        }
        self.image = nil
        self.caller = caller
        let exchange = Exchange(plane: self.plane)
        exchange.image = image
        exchange.options.retriesMax = 0
        exchange.options.isCopy = true
        switch (self.speaks, self.route.pool.key.capability) {
        case (.inference, .inference):
            exchange.order = self.order ?? InferenceOrder(modelType: self.route.pool.key.modelType)
            exchange.begin(self.route.pool, sink: self, now: MonotonicClock.now())
        case (.inference, _):
            let order = self.order ?? InferenceOrder(modelType: self.route.pool.key.modelType)
            let jsonBytes = image.passedOn("inference-header-content-length").map { Int($0) ?? -1 }
            exchange.beginTranslated(self.route.pool, order, jsonBytes: jsonBytes, for: self.translationCaller)
        case (_, .inference): exchange.beginTranslated(self.route.pool, for: self.translationCaller)
        case (_, _): exchange.begin(self.route.pool, sink: self, now: MonotonicClock.now())
        }
    }

    /// What cannot be said in the shadow's words is no copy for it.
    private var translationCaller: Exchange.TranslationCaller {
        Exchange.TranslationCaller(
            sink: self,
            isWanted: { true },
            refuse: { _ in self.lane.shadow.skipped += 1 },
            isCopied: false
        )
    }

    /// A translated request names its version only where its caller did.
    private func namesVersion(_ image: RequestImage) -> Bool {
        if let order { return order.version.map { $0 != .latest } ?? false }
        let name = try? image.withBody { body throws(Refusal) -> String? in
            let version = try RequestPlan.scanned(body).modelVersion
            return version.kind == .string ? version.text(of: body) : nil
        }
        return name.flatMap { $0 }.map { $0 != ModelVersion.latest.text } ?? false
    }

    override func answerWhole(
        _ exchange: Exchange,
        _ head: ResponseHead,
        headBytes: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer
    ) {
        self.gathered.began(exchange, head, headBytes, speaks: self.speaks)
        self.gathered.append(body)
    }

    override func answerBegan(_ exchange: Exchange, _ head: ResponseHead, headBytes: UnsafeRawBufferPointer) {
        self.gathered.began(exchange, head, headBytes, speaks: self.speaks)
    }

    override func answerMoved(_ bytes: ByteBuffer) { bytes.withUnsafeReadableBytes { self.gathered.append($0) } }

    override func answerBroke() { self.gathered.broke() }

    override func exchangeEnded() {
        self.isOver = true
        self.lane.copiesUnderWay -= 1
        self.lane.shadow =
            self.lane.shadow
            + ShadowComparison.figures(caller: self.caller, copy: self.gathered.answer, field: self.route.field)
    }
}
