internal import Decisions
internal import NIOCore
internal import Registry

/// The copy of one request: first it stands between the caller's exchange and the caller, and remembers the answer; then it
/// is an exchange of its own, whose answer is compared with the caller's and dropped.
///
/// When the shadow speaks another protocol than the service that the caller was answered by, the request is translated, and
/// the shadow's answer back, so that both answers are in the same words. It is sent once, waits for no permit, and counts
/// for nothing but the shadow's figures, its version's and its instance's. A request that names its version explicitly is
/// no copy for another one: its turn goes to the next. A caller who leaves early gets no copy made.
///
/// Cost for the caller: his answer is copied up to `GatheredAnswer.bytesMax`, of his request not a byte: its image changes
/// places with the one of the copy before. The object serves again, see `ShadowShelf`. Confined to its event loop.
final class ShadowCopy: AnswerTap {
    /// What of one request is needed to copy it. Small, and read where it lies: every caller who is copied pays for it.
    private struct Task {
        let route: ShadowRoute
        let lane: VersionLane
        /// The protocol of the request and of both answers.
        let speaks: RoutePool.Capability
        let namesVersion: Bool
        let bytes: Int
    }

    private let plane: LoopPlane
    /// The copy's own.
    private let exchange: Exchange
    private let nobody = AnswerSink()
    private var task: Task?
    /// What the caller asked for where the body does not say it.
    private var order: InferenceOrder?
    /// The caller's, until it has ended.
    private var original: Exchange?
    private var callers = GatheredAnswer()

    init(plane: LoopPlane) {
        self.plane = plane
        self.exchange = Exchange(plane: plane)
        self.exchange.options.retriesMax = 0
        self.exchange.options.isCopy = true
        super.init(self.nobody, speaks: .prediction)
    }

    /// The exchange is about to begin, with this as its sink.
    func follow(
        _ exchange: Exchange,
        for caller: AnswerSink,
        of pool: RoutePool,
        to route: ShadowRoute,
        lane: VersionLane
    ) {
        var namesVersion = exchange.namesVersion
        if let order = exchange.order {
            self.order = order
            namesVersion = order.version.map { $0 != .latest } ?? false
        }
        self.task = Task(
            route: route,
            lane: lane,
            speaks: pool.key.capability,
            namesVersion: namesVersion,
            bytes: exchange.image.bodyBytes
        )
        lane.copiesUnderWay += 1
        self.original = exchange
        exchange.keepsImage = true
        self.caller = caller
        self.speaks = pool.key.capability
    }

    override func exchangeEnded() {
        if let original { self.callerIsDone(original) } else { self.compare() }
    }

    override func exchangeCancelled() {
        if let original { self.leave(original) }
        self.caller = self.nobody
        self.giveBack()
    }

    override func answerProblem(_ exchange: Exchange, _ problem: Problem) {
        // Of the copy's own exchange it is as good as no answer.
        if self.original != nil { super.answerProblem(exchange, problem) }
    }

    /// The image is taken before the caller's next request overwrites it.
    private func callerIsDone(_ original: Exchange) {
        let caller = self.caller
        self.caller = self.nobody
        swap(&self.callers, &self.gathered)
        swap(&self.exchange.image, &original.image)
        self.leave(original)
        self.plane.shadows.add(self)
        caller.exchangeEnded()
    }

    private func leave(_ original: Exchange) {
        original.keepsImage = false
        self.original = nil
    }

    private func giveBack() {
        guard let task = self.task.take() else { return }
        if self.order != nil { self.order = nil }
        task.lane.copiesUnderWay -= 1
        self.gathered.clear()
        self.callers.clear()
        self.exchange.image.rest()
        self.plane.shadows.giveBack(self, task.bytes)
    }

    // MARK: The copy

    func begin() {
        guard let speaks = self.task?.speaks, let pool = self.task?.route.pool else { return }
        guard self.task?.namesVersion == false else {
            self.task?.lane.shadowDue += 100
            return self.giveBack()
        }
        let exchange = self.exchange
        exchange.upstreamNanoseconds = 0
        switch (speaks, pool.key.capability) {
        case (.inference, .inference):
            exchange.order = self.order ?? InferenceOrder(modelType: pool.key.modelType)
            exchange.begin(pool, sink: self, now: MonotonicClock.now())
        case (.inference, _):
            let order = self.order ?? InferenceOrder(modelType: pool.key.modelType)
            let jsonBytes = exchange.image.passedOn("inference-header-content-length").map { Int($0) ?? -1 }
            exchange.beginTranslated(pool, order, jsonBytes: jsonBytes, for: self.translationCaller)
        case (_, .inference): exchange.beginTranslated(pool, for: self.translationCaller)
        case (_, _): exchange.begin(pool, sink: self, now: MonotonicClock.now())
        }
    }

    /// What cannot be said in the shadow's words is no copy for it.
    private var translationCaller: Exchange.TranslationCaller {
        Exchange.TranslationCaller(
            sink: self,
            isWanted: { true },
            refuse: { _ in
                self.task?.lane.shadow.skipped += 1
                self.giveBack()
            },
            isCopied: false
        )
    }

    private func compare() {
        guard let task = self.task else { return }
        let (caller, copy) = (self.callers.answer, self.gathered.answer)
        let pair = ShadowComparer.Pair(caller: caller, copy: copy, field: task.route.field)
        guard pair.bytes > ShadowComparer.loopBytesMax else { return self.compared(pair.figures) }
        self.plane.shadows.comparer.compare(pair, self.plane) { self.compared($0) }
    }

    private func compared(_ figures: ShadowFigures) {
        guard let lane = self.task?.lane else { return }
        lane.shadow = lane.shadow + figures
        self.giveBack()
    }
}
