import ControlLoops
import Registry
import Synchronization

/// Stands for the data plane's side of permits: admits what waits as soon as it may.
final class FakePermits: PermitPort {
    private struct State {
        var demand: PermitDemand
        var granted = 0
        var areWanted = true
        var wereWantedWhenRead = true
        var loweredUnawares = false
    }

    private let state: Mutex<State>

    init(_ key: InstanceKey, limit: Int) {
        let demand = PermitDemand(key: key, limit: limit, limitEpoch: Epoch(1), inFlight: 0, waiting: 0)
        self.state = Mutex(State(demand: demand))
    }

    var granted: Int { self.state.withLock { $0.granted } }
    var areWanted: Bool { self.state.withLock { $0.areWanted } }
    var inFlight: Int { self.state.withLock { $0.demand.inFlight } }
    /// Whether permits were taken away by figures that were read before those who end requests knew that others wait.
    var loweredUnawares: Bool { self.state.withLock { $0.loweredUnawares } }

    func want(_ count: Int) {
        self.state.withLock { $0.demand.waiting += count }
    }

    func endAll() {
        self.state.withLock { $0.demand.inFlight = 0 }
    }

    func demand() -> [PermitDemand] {
        self.state.withLock { state in
            state.wereWantedWhenRead = state.areWanted
            return [state.demand]
        }
    }

    func grant(_ held: Int, to key: InstanceKey) -> Int {
        self.state.withLock { state in
            if held < state.granted, !state.wereWantedWhenRead { state.loweredUnawares = true }
            state.granted = held
            let admitted = max(0, min(state.demand.waiting, held - state.demand.inFlight))
            state.demand.waiting -= admitted
            state.demand.inFlight += admitted
            return state.demand.inFlight
        }
    }

    func setWanted(_ areWanted: Bool) {
        self.state.withLock { $0.areWanted = areWanted }
    }
}

/// Stands for the data plane's side of tickets.
final class FakeTickets: TicketPort {
    private let state = Mutex((wanted: [TicketDemand](), got: [String: [UInt64]]()))

    func want(_ demand: TicketDemand) {
        self.state.withLock { $0.wanted.append(demand) }
    }

    var got: [String: [UInt64]] { self.state.withLock { $0.got } }

    func demand() -> [TicketDemand] {
        self.state.withLock { state in
            defer { state.wanted = [] }
            return state.wanted
        }
    }

    func grant(pool: String, first: UInt64, count: Int) {
        self.state.withLock { $0.got[pool, default: []] += (first..<first + UInt64(count)) }
    }
}
