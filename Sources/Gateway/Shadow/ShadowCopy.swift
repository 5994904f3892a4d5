internal import Decisions
internal import NIOCore
internal import Registry

/// The copy of one request: an exchange of its own whose answer is compared with the caller's and dropped.
///
/// It is sent once, waits for no permit, and counts for nothing but the shadow's figures, its version's and its
/// instance's. A request that names its version explicitly is no copy for another one: its turn goes to the next.
/// Confined to its event loop.
final class ShadowCopy: AnswerSink {
    private let route: ShadowRoute
    private let lane: VersionLane
    private let plane: LoopPlane
    /// Set before it begins.
    var image: RequestImage?
    private var isOver = false
    private var caller = ShadowAnswer()
    private var gathered = GatheredAnswer()

    init(to route: ShadowRoute, lane: VersionLane, plane: LoopPlane) {
        self.route = route
        self.lane = lane
        self.plane = plane
    }

    /// A caller who left before the answer was whole.
    deinit {
        if !self.isOver { self.lane.copiesUnderWay -= 1 }
    }

    func begin(comparedWith caller: ShadowAnswer) {
        guard let image = self.image, !Self.namesVersion(image) else {
            self.lane.shadowDue += 100
            return
        }
        self.image = nil
        self.caller = caller
        let exchange = Exchange(plane: self.plane)
        exchange.image = image
        exchange.options.retriesMax = 0
        exchange.options.isCopy = true
        exchange.begin(self.route.pool, sink: self, now: MonotonicClock.now())
    }

    private static func namesVersion(_ image: RequestImage) -> Bool {
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
        self.gathered.began(exchange, status: head.status)
        self.gathered.append(body)
    }

    override func answerBegan(_ exchange: Exchange, _ head: ResponseHead, headBytes: UnsafeRawBufferPointer) {
        self.gathered.began(exchange, status: head.status)
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
