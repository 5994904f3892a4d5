public import Decisions
public import Registry

/// What replicas share of the request path, seen from the loops that share it: permits, tickets, the retry budget.
///
/// All of it is synchronous and short; the loops carry figures to and from Redis, the request path only uses them.
extension DataPlane {
    /// An instance with a limit, as it is now.
    public struct PermitNeed: Hashable, Sendable {
        public var key: InstanceKey
        public var limit: Int
        /// Of the change that set the limit.
        public var limitEpoch: Epoch
        public var inFlight: Int
        /// Requests that wait for a permit there.
        public var waiting: Int
    }

    /// `permits` is called when a request begins to wait for a permit, and when one has ended where no permit was free and
    /// somebody wants one;
    /// `tickets` when a pool runs out of tickets. Both on event loops, often: hand over and return.
    public func connectReservers(permits: @escaping @Sendable () -> Void, tickets: @escaping @Sendable () -> Void) {
        self.queue.bell.connect(permits)
        self.desk.bell.connect(tickets)
    }

    /// Every instance with a limit, and those that left the registry until their last request has ended.
    public func permitNeeds() -> [PermitNeed] {
        let waiting = self.queue.waitingByInstance()
        return self.board.limited().map { upstream, limit in
            PermitNeed(
                key: upstream.key,
                limit: limit.requests,
                limitEpoch: limit.epoch,
                inFlight: upstream.inFlight,
                waiting: waiting[ObjectIdentifier(upstream)] ?? 0
            )
        }
    }

    /// From now on so many requests may be in flight there, whichever loop they are on; those that wait for it are sent.
    /// Returns how many are, read after the new figure stands.
    public func grantPermits(_ held: Int, to key: InstanceKey) -> Int {
        guard let upstream = self.board.limitedUpstream(key) else { return 0 }
        _ = upstream.gauge.setHeld(held)
        if self.queue.waiting > 0 { self.queue.serve(upstream) }
        return upstream.inFlight
    }

    /// Whether other replicas want permits that may be in use here.
    public func setPermitsWanted(_ areWanted: Bool) {
        self.queue.bell.setRoomWanted(areWanted)
    }

    /// Pools that want round-robin tickets now, with how many; each once until it wants more.
    public func ticketNeeds() -> [(pool: String, count: Int)] {
        self.desk.demand(now: MonotonicClock.now())
    }

    /// The tickets `first ..< first + count` of the pool are this replica's.
    public func grantTickets(pool: String, first: UInt64, count: Int) {
        self.desk.grant(pool: pool, first: first, count: count)
    }

    /// Requests begun and retries made since the start.
    public var retryCounts: TrafficTally.Counts { self.jar.counts }

    /// What so many other replicas did since the last time: the retry budget is everybody's.
    public func heardTraffic(_ news: TrafficTally.Counts, others: Int) {
        self.jar.heard(news, others: others, now: MonotonicClock.now())
    }
}
