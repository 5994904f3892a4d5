internal import Decisions
internal import Registry
internal import Synchronization

/// The round-robin tickets of one pool, shared by all event loops of the replica.
///
/// Every first try takes the next one; `PickTable` makes a member of it. It survives snapshots, so that a change of the
/// registry does not start every pool over at its first member.
/// A run of tickets stands in one atomic word (52 bits: the next number; 12 bits: how many are left), so that a pick
/// takes one without a lock; only whoever finds the run used up locks the store behind it.
final class TicketSource: Sendable {
    /// The same on all replicas, such as `LSTM/v1/prediction`.
    let name: String
    private let run = Atomic<UInt64>(0)
    private let blocks: Mutex<TicketBlocks>
    private let members = Atomic<Int>(1)
    private let desk: TicketDesk

    private static let leftMask: UInt64 = (1 << 12) - 1
    private static let numberMask: UInt64 = (1 << 52) - 1

    init(name: String, desk: TicketDesk) {
        self.name = name
        self.desk = desk
        self.blocks = Mutex(TicketBlocks(localStart: desk.localStart & (Self.numberMask >> 1)))
    }

    /// The number that `take` would give next, as far as can be told.
    var upcoming: UInt64 {
        let run = self.run.load(ordering: .relaxed)
        return run & Self.leftMask > 0 ? run >> 12 : self.blocks.withLock { $0.upcoming }
    }

    /// So many take turns from now on.
    func setMembers(_ count: Int) {
        guard self.members.exchange(count, ordering: .relaxed) != count, count > 1 else { return }
        self.desk.list(self)
    }

    @inline(__always)
    func take() -> UInt64 {
        var seen = self.run.load(ordering: .acquiring)
        while seen & Self.leftMask > 0 {
            let (done, now) = self.run.weakCompareExchange(
                expected: seen,
                desired: seen &+ (1 << 12) &- 1,
                ordering: .acquiringAndReleasing
            )
            if done { return seen >> 12 }
            seen = now
        }
        return self.takeFromStore()
    }

    /// Another loop may have been here first: its run is used up before a new one begins.
    private func takeFromStore() -> UInt64 {
        let (number, isLow) = self.blocks.withLock { blocks -> (UInt64, Bool) in
            while true {
                let seen = self.run.load(ordering: .acquiring)
                guard seen & Self.leftMask > 0 else { break }
                let next = seen &+ (1 << 12) &- 1
                if self.run.compareExchange(expected: seen, desired: next, ordering: .acquiringAndReleasing).exchanged {
                    return (seen >> 12, false)
                }
            }
            let run = blocks.take(members: self.members.load(ordering: .relaxed))
            let first = run.numbers.lowerBound & Self.numberMask
            self.run.store((first + 1) << 12 | UInt64(run.numbers.count - 1), ordering: .releasing)
            return (first, run.asksForMore)
        }
        if isLow { self.desk.list(self) }
        return number
    }

    // MARK: From the reserver

    func demand(now: Instant) -> Int? {
        let members = self.members.load(ordering: .relaxed)
        return members > 1 ? self.blocks.withLock { $0.demand(members: members, now: now) } : nil
    }

    func grant(first: UInt64, count: Int) {
        self.blocks.withLock { $0.grant(first: first, count: count) }
    }
}

/// Where pools that run out of tickets are listed until the reserver asks.
final class TicketDesk: Sendable {
    private struct State {
        var listed: [String: TicketSource] = [:]
        /// Listed ones that the reserver was told of.
        var asked: [String: TicketSource] = [:]
    }

    /// Where this replica's own tickets begin.
    let localStart: UInt64
    let bell: ReserverBell
    private let state = Mutex(State())

    init(localStart: UInt64, bell: ReserverBell) {
        self.localStart = localStart
        self.bell = bell
    }

    /// The bell rings for the first mention alone: the reserver takes the whole list when it comes.
    func list(_ source: TicketSource) {
        guard self.bell.isConnected else { return }
        let isNews = self.state.withLock { $0.listed.updateValue(source, forKey: source.name) == nil }
        if isNews { self.bell.ring() }
    }

    /// Pools that want tickets now, with how many.
    func demand(now: Instant) -> [(pool: String, count: Int)] {
        let listed = self.state.withLock { state in
            (state.asked, state.listed) = (state.listed, [:])
            return state.asked
        }
        return listed.compactMap { name, source in source.demand(now: now).map { (name, $0) } }
    }

    func grant(pool: String, first: UInt64, count: Int) {
        self.state.withLock { $0.asked[pool] }?.grant(first: first, count: count)
    }
}
