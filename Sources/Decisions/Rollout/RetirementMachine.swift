public import Registry

/// Decides when a draining version has nobody left.
public enum RetirementMachine {
    /// A live replica's last report.
    public struct Holder: Hashable, Sendable {
        public var replica: String
        /// That the replica served by when it counted.
        public var epoch: Epoch
        public var inFlight: Int

        public init(replica: String, epoch: Epoch, inFlight: Int) {
            self.replica = replica
            self.epoch = epoch
            self.inFlight = inFlight
        }
    }

    public enum Action: Hashable, Sendable {
        case wait
        /// Nobody holds a request of it, or the time is up: with how many requests left.
        case unload(left: Int)
    }

    /// A report of an older epoch proves nothing: the replica may begin a request at the version after it.
    /// `deadline` is on the lease clock; nil: wait as long as it takes.
    public static func decide(_ holders: [Holder], since epoch: Epoch, leaseClock: Int64, deadline: Int64?) -> Action {
        let left = holders.reduce(0) { $0 + $1.inFlight }
        let allKnow = holders.allSatisfy { $0.epoch >= epoch }
        if allKnow, left == 0 { return .unload(left: 0) }
        guard let deadline, leaseClock >= deadline else { return .wait }
        return .unload(left: left)
    }
}
