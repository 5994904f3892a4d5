internal import Decisions
internal import Logging
internal import NIOCore
internal import Registry
internal import Synchronization

/// Everything one event loop needs to serve requests by itself: its view of the table, its counters, its exchanges and
/// client connections, and one repeating sweep instead of a timer per request.
///
/// Confined to its event loop (`@unchecked Sendable`): only code on `loop` may touch it, and the few entries from
/// elsewhere hop to the loop first.
final class LoopPlane: @unchecked Sendable {
    private static let slowSweepInterval = Duration.seconds(1)

    let index: Int
    let loop: any EventLoop
    let settings: DataPlaneSettings
    let board: GateBoard
    let connector: UpstreamConnector
    let jar: RetryJar
    let queue: PermitQueue
    let common: PlaneCommon
    /// `1.1 model-manager-<replica>`
    let viaEntry: [UInt8]
    /// `x-mm-replica` with CRLF.
    let replicaLine: [UInt8]
    let headLimits = HeadLimits()
    let logger: Logger

    private(set) var table: RoutingTable
    /// Names the table, for those who only want to know whether it is still the same: costs no reference count that all
    /// loops share.
    private(set) var tableSerial = 0
    private var generation: UInt64 = 0
    private var views: [PoolView?] = []
    var random: LoopRandom
    private let idPrefix: UInt64
    private var idsMade: UInt64 = 0
    var date = DateLine()

    var counts = LoopCounts()
    /// What was taken of them for reports.
    private var told = (requests: Int64(0), failures: Int64(0), retries: Int64(0))
    let inputs = InferenceInputs()
    var translations: TranslationWorkers { self.common.translations }
    let recorded = RecordingShelf()
    let shadows: ShadowShelf
    /// Nil: everybody may predict.
    let access: LoopAccess?
    /// Requests under way, as of the last sweep; the one thing here that may be read from anywhere.
    let inFlightSeen = Atomic<Int>(0)
    private var undeposited = 0
    private var turns: UInt64 = .max
    private(set) var running: [Exchange] = []
    private(set) var clients: [ClientHandler] = []
    private var lanes: [(upstream: Upstream, lane: UpstreamLane)] = []
    /// Requests that wait for the replica to catch up, in order; no more than there are callers.
    private var held: [(since: Instant, goOn: () -> Void)] = []
    private(set) var sweeps = 0
    /// The generation that waiting requests were last looked at under.
    private var reconsidered: UInt64 = 0
    private var slowSweepAt = Instant(nanoseconds: 0)
    private var sweeper: Scheduled<Void>?
    private var pace = SweepPace()

    init(
        index: Int,
        loop: any EventLoop,
        settings: DataPlaneSettings,
        board: GateBoard,
        connector: UpstreamConnector,
        jar: RetryJar,
        queue: PermitQueue,
        common: PlaneCommon,
        logger: Logger
    ) {
        self.index = index
        self.loop = loop
        self.settings = settings
        self.board = board
        self.connector = connector
        self.jar = jar
        self.queue = queue
        self.common = common
        self.logger = logger
        self.viaEntry = Array("1.1 model-manager-\(settings.replicaID)".utf8)
        self.replicaLine = Array("x-mm-replica: \(settings.replicaID)\r\n".utf8)
        self.shadows = ShadowShelf(loop: loop)
        self.access = settings.authenticates ? LoopAccess() : nil
        self.table = board.table
        self.random = LoopRandom(seed: UInt64.random(in: .min ... .max))
        self.idPrefix = UInt64.random(in: .min ... .max)
    }

    // MARK: The table

    /// Makes the table and all views current. One atomic load when nothing changed.
    @inline(__always)
    func refresh() {
        if self.board.currentGeneration != self.generation { self.adopt() }
    }

    private func adopt() {
        self.generation = self.board.currentGeneration
        let table = self.board.table
        guard table !== self.table || self.views.count != table.places.count else { return }
        self.table = table
        self.tableSerial &+= 1
        self.views = [PoolView?](repeating: nil, count: table.places.count)
    }

    /// Who of a pool is eligible; current as of the last `refresh`.
    @inline(__always)
    func view(of pool: RoutePool) -> PoolView {
        let index = pool.index
        guard index < self.views.count, self.table.places[index] === pool else {
            return PoolView(pool, generation: self.generation)  // An exchange that began under an older table.
        }
        if let view = self.views[index], view.generation == self.generation { return view }
        let view = PoolView(pool, generation: self.generation)
        self.views[index] = view
        return view
    }

    // MARK: Bookkeeping of requests

    func began(_ exchange: Exchange) {
        exchange.place = self.running.count
        self.running.append(exchange)
        if self.pace.mustHurry() { self.hurry() }
        guard !exchange.options.isCopy else { return }
        self.counts.requests += 1
        self.undeposited += 1
    }

    func ended(_ exchange: Exchange) {
        let place = exchange.place
        guard place >= 0 else { return }
        let last = self.running.removeLast()
        if last !== exchange {
            self.running[place] = last
            last.place = place
        }
        exchange.place = -1
    }

    func joined(_ client: ClientHandler) {
        client.place = self.clients.count
        self.clients.append(client)
    }

    func left(_ client: ClientHandler) {
        let place = client.place
        guard place >= 0 else { return }
        let last = self.clients.removeLast()
        if last !== client {
            self.clients[place] = last
            last.place = place
        }
        client.place = -1
    }

    /// The replica must catch up first: goes on when it has, or when it cannot.
    func hold(since now: Instant, _ goOn: @escaping () -> Void) {
        self.held.append((now, goOn))
        if self.pace.mustHurry() { self.hurry() }
    }

    private func releaseHeld(now: Instant) {
        guard let oldest = self.held.first else { return }
        if self.common.gate.holds(now) {
            guard oldest.since + self.settings.catchUpWaitMax <= now else { return }
            self.common.gate.serve(until: nil)
            self.common.setStale(since: oldest.since)
        }
        let released = self.held
        self.held = []
        self.refresh()
        for request in released { request.goOn() }
    }

    /// The sweep looks after the lane from now on.
    func list(_ lane: UpstreamLane, of upstream: Upstream) {
        guard !lane.isListed else { return }
        lane.isListed = true
        self.lanes.append((upstream, lane))
    }

    /// Whether a retry may be made; a refusal is counted.
    func mayRetry(now: Instant) -> Bool {
        self.depositRequests(now: now)
        if self.jar.withdraw(now: now) { return true }
        self.counts.retriesRefusedByBudget += 1
        return false
    }

    /// Where strategies without tickets begin to look.
    func nextTurn() -> UInt64 {
        self.turns &+= 1
        return self.turns
    }

    func writeRequestID(to writer: inout ByteWriter) {
        self.idsMade &+= 1
        writer.write(hexadecimal: self.idPrefix)
        writer.write(hexadecimal: StableHash.mixed(self.idPrefix &+ self.idsMade))
    }

    func makeRequestID() -> String {
        self.idsMade &+= 1
        return String(self.idPrefix, radix: 16) + String(StableHash.mixed(self.idPrefix &+ self.idsMade), radix: 16)
    }

    // MARK: The sweep

    func start() { self.sweep(in: SweepPace.busy) }

    func stop() {
        self.sweeper?.cancel()
        self.sweeper = nil
    }

    private func sweep(in time: TimeAmount) {
        self.sweeper = self.loop.scheduleTask(in: time) {
            self.pace.woke()
            let isBusy = self.sweep(now: MonotonicClock.now())
            self.sweep(in: self.pace.swept(isBusy: isBusy))
        }
    }

    private func hurry() {
        guard self.sweeper != nil else { return }
        self.stop()
        self.sweep(in: SweepPace.busy)
    }

    /// True if there was or is something to look after. The first loop also looks after what belongs to all of them.
    private func sweep(now: Instant) -> Bool {
        let wasBusy = !self.held.isEmpty || self.undeposited > 0
        self.releaseHeld(now: now)
        self.depositRequests(now: now)
        self.inFlightSeen.store(self.running.count, ordering: .relaxed)
        if self.index == 0 { self.board.moveOn(now: now) }
        if self.queue.waiting > 0 { self.lookAfterQueue(now: now) }
        for exchange in self.running where exchange.wakeAt <= now { exchange.wake(now: now) }
        self.sweeps += 1
        if self.sweeps % 2 == 0 { self.reportGoodAnswers(now: now) }
        if self.slowSweepAt <= now {
            self.slowSweepAt = now + Self.slowSweepInterval
            self.slowSweep(now: now)
        }
        let sharedBusy = self.index == 0 && (self.queue.waiting > 0 || self.board.isWatching)
        return wasBusy || sharedBusy || !self.running.isEmpty || !self.held.isEmpty
    }

    /// Who waits for permits may be able to go elsewhere by now.
    private func lookAfterQueue(now: Instant) {
        if self.index == 0 { self.queue.serveAll() }
        self.refresh()
        guard self.generation != self.reconsidered else { return }
        self.reconsidered = self.generation
        for exchange in self.running where exchange.isQueued { exchange.reconsider(now: now) }
    }

    private func slowSweep(now: Instant) {
        if !self.table.hasShadows { self.shadows.clear() }
        for client in self.clients { client.sweep(now: now) }
        let old = Instant(nanoseconds: now.nanoseconds - UpstreamLane.idleMax.inNanoseconds)
        for entry in self.lanes {
            entry.lane.closeIdle(since: entry.upstream.isRetired ? now : old)
        }
        self.lanes.removeAll { entry in
            let isQuiet = entry.lane.open == 0 && entry.lane.inFlight == 0
            let isDone = entry.upstream.isRetired && isQuiet && !entry.lane.hasNews
            if isDone { entry.lane.isListed = false }
            return isDone
        }
    }

    private func depositRequests(now: Instant) {
        self.jar.deposit(requests: self.undeposited, now: now)
        self.undeposited = 0
    }

    /// Tells the breakers of good answers since the last time, all at once.
    private func reportGoodAnswers(now: Instant) {
        for entry in self.lanes where entry.lane.goodAnswers > 0 {
            self.flushGoodAnswers(entry.lane, of: entry.upstream, now: now)
        }
    }

    func flushGoodAnswers(_ lane: UpstreamLane, of upstream: Upstream, now: Instant) {
        guard lane.goodAnswers > 0 else { return }
        self.board.recordGood(lane.goodAnswers, generation: lane.goodGeneration, of: upstream, now: now)
        lane.goodAnswers = 0
    }

    // MARK: Leaving

    /// Requests of clients, and of the general door, that are under way.
    var busyRequests: Int { max(self.running.count, self.clients.count { $0.isBusy }) }

    /// Closes every connection; how many requests that cut.
    func cutAll() -> Int {
        let cut = self.clients.count { $0.cut() }
        self.held = []
        self.shadows.close()
        for exchange in self.running { exchange.cancel() }
        for entry in self.lanes { entry.lane.closeIdle(since: Instant(nanoseconds: .max)) }
        self.stop()
        return cut
    }

    // MARK: Reading the counters

    /// What was counted since the last time; `inFlight` by how much it changed.
    func takeServed() -> ServedTraffic {
        var served = ServedTraffic()
        served.requests = self.counts.requests - self.told.requests
        served.failures = self.counts.failures - self.told.failures
        served.retries = self.counts.retries - self.told.retries
        self.told = (self.counts.requests, self.counts.failures, self.counts.retries)
        for entry in self.lanes where entry.lane.hasNews {
            entry.lane.takeNews(into: &served.services[entry.upstream.key.service, default: ServiceTraffic()])
        }
        return served
    }

    func add(to statistics: inout DataPlaneStatistics) {
        statistics.requests += self.counts.requests
        statistics.failures += self.counts.failures
        statistics.retries += self.counts.retries
        statistics.retriesRefusedByBudget += self.counts.retriesRefusedByBudget
        statistics.fastRequests += self.counts.fastRequests
        statistics.generalRequests += self.counts.generalRequests
        statistics.panics += self.counts.panics
        statistics.queueEntered += self.counts.queueEntered
        statistics.queueRefused += self.counts.queueRefused
        statistics.queueTimedOut += self.counts.queueTimedOut
        self.counts.queueWait.add(to: &statistics.queueWait)
        statistics.inFlight += self.running.count
        statistics.connections += self.clients.count
        statistics.held += self.held.count
        for index in 0..<5 { statistics.answers[index] += self.counts.answers[index] }
        for (code, count) in self.counts.problems { statistics.problems[code.rawValue, default: 0] += count }
        self.counts.overhead.add(to: &statistics.overhead)
        for entry in self.lanes {
            statistics.services[entry.upstream.key.service, default: ServiceTraffic()].add(entry.lane)
        }
    }
}

extension ServiceTraffic {
    fileprivate mutating func add(_ lane: UpstreamLane) {
        self.requests += lane.counts.requests
        self.failures += lane.counts.failures
        self.retries += lane.counts.retries
        self.inFlight += lane.inFlight
        lane.counts.latency.add(to: &self.latency)
    }
}
