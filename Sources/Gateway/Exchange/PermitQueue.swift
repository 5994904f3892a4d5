internal import Decisions
internal import NIOCore
internal import Registry
internal import Synchronization

/// The requests of all event loops that wait because only permits lack; one line for each pool, first come, first served.
///
/// A permit that comes free, because a request ended or Redis granted more, is taken on behalf of the first in line and
/// handed to its event loop; a newcomer does not overtake those who wait. Nobody else holds the lock for long: it is
/// taken only while somebody waits or begins to.
/// The hard case is a permit that comes free while a request joins. Who joins is counted first and looks at the gauges
/// then; who frees a permit changes the gauge first and looks at the count then: one of the two sees the other.
/// Invariant: at most `limit` requests wait; a request is in the line, or has left it, or has been handed a permit that
/// it takes or gives back when its loop hears of it.
final class PermitQueue: Sendable {
    private struct Line {
        /// Of the pool as it was known when somebody joined last.
        var members: [Upstream] = []
        var line = WaitingLine()
    }

    private struct State {
        var lines: [RoutePool.Key: Line] = [:]
        var exchanges: [Int: Exchange] = [:]
        var joined = 0
    }

    /// A permit of the instance was taken for the one who waited under this number.
    private struct Handover {
        let exchange: Exchange
        let number: Int
        let upstream: Upstream
    }

    private let state = Mutex(State())
    private let count = Atomic<Int>(0)
    private let limit: Int
    let bell: ReserverBell

    init(limit: Int, bell: ReserverBell) {
        self.limit = limit
        self.bell = bell
    }

    /// How many requests wait.
    @inline(__always)
    var waiting: Int { self.count.load(ordering: .sequentiallyConsistent) }

    /// Whether a newcomer would overtake somebody.
    @inline(__always)
    func isWaitedFor(_ pool: RoutePool) -> Bool {
        self.waiting > 0 && self.state.withLock { $0.lines[pool.key]?.line.isEmpty == false }
    }

    /// The request waits from now on, for any of the members but those that it refuses. Returns its number; nil: the
    /// queue is full.
    func join(_ exchange: Exchange, _ pool: RoutePool, members: [Upstream], refusing refused: [Upstream]) -> Int? {
        let number = self.state.withLock { state -> Int? in
            guard state.exchanges.count < self.limit else { return nil }
            state.joined += 1
            state.exchanges[state.joined] = exchange
            state.lines[pool.key, default: Line()].members = members
            let waiter = WaitingLine.Waiter(id: state.joined, refused: refused.map(Self.name))
            state.lines[pool.key]?.line.join(waiter)
            self.count.wrappingAdd(1, ordering: .sequentiallyConsistent)
            return state.joined
        }
        guard number != nil else { return nil }
        for member in members { self.serve(member) }
        self.bell.ring()
        return number
    }

    /// The request waits no longer. False when it was not in the line: a permit is on its way to it.
    func leave(_ number: Int, _ key: RoutePool.Key) -> Bool {
        self.state.withLock { state in
            guard state.lines[key]?.line.leave(number) == true else { return false }
            self.forget(number, key, &state)
            return true
        }
    }

    /// A request at the instance has ended.
    @inline(__always)
    func departed(_ departure: PermitGauge.Departure, from upstream: Upstream) {
        switch departure {
        case .unlimited: break
        case .roomy: if self.waiting > 0 { self.serve(upstream) }
        case .full:
            guard self.waiting > 0 else { return self.bell.ringForRoom() }
            self.serve(upstream)
            self.bell.ring()
        }
    }

    /// Hands the free permits of the instance to those who wait for one.
    func serve(_ upstream: Upstream) {
        for handover in self.state.withLock({ self.handovers(of: upstream, &$0) }) {
            handover.exchange.plane.loop.execute {
                handover.exchange.permitCame(handover.number, of: handover.upstream)
            }
        }
    }

    /// Nobody should wait who need not: for what no call of `serve` has told.
    func serveAll() {
        guard self.waiting > 0 else { return }
        for upstream in self.state.withLock({ $0.lines.values.flatMap(\.members) }) { self.serve(upstream) }
    }

    /// Requests that wait for each instance, those that wait for several divided among them.
    func waitingByInstance() -> [ObjectIdentifier: Int] {
        guard self.waiting > 0 else { return [:] }
        return self.state.withLock { state in
            var sums: [ObjectIdentifier: Int] = [:]
            for line in state.lines.values {
                let need = line.line.need(instances: line.members.count)
                for member in line.members { sums[ObjectIdentifier(member), default: 0] += need }
            }
            return sums
        }
    }

    private func handovers(of upstream: Upstream, _ state: inout State) -> [Handover] {
        var handovers: [Handover] = []
        while let (number, key) = self.next(for: upstream, state), upstream.gauge.enter() {
            if let exchange = state.exchanges[number] {
                handovers.append(Handover(exchange: exchange, number: number, upstream: upstream))
            }
            _ = state.lines[key]?.line.leave(number)
            self.forget(number, key, &state)
        }
        return handovers
    }

    /// Of all lines at the instance, who came first.
    private func next(for upstream: Upstream, _ state: State) -> (number: Int, key: RoutePool.Key)? {
        var first: (number: Int, key: RoutePool.Key)?
        for (key, line) in state.lines where line.members.contains(where: { $0 === upstream }) {
            guard let number = line.line.next(for: Self.name(upstream)) else { continue }
            if first.map({ number < $0.number }) ?? true { first = (number, key) }
        }
        return first
    }

    private func forget(_ number: Int, _ key: RoutePool.Key, _ state: inout State) {
        state.exchanges[number] = nil
        if state.lines[key]?.line.isEmpty == true { state.lines[key] = nil }
        self.count.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    }

    private static func name(_ upstream: Upstream) -> Int { Int(bitPattern: ObjectIdentifier(upstream)) }
}
