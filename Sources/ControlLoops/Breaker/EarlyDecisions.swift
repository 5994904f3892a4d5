internal import Decisions
internal import Registry

/// Decisions on instances that this replica's snapshot does not have yet.
///
/// The cluster decides about an instance as soon as any replica knows it, and this one may learn of it a moment later.
/// Decisions on instances that have left come here too and are never asked for: so when there is no more room, the oldest
/// goes.
struct EarlyDecisions: Hashable, Sendable {
    private(set) var all: [InstanceKey: SharedBreaker.Decision] = [:]

    static let countMax = 1024

    mutating func keep(_ decision: SharedBreaker.Decision, for key: InstanceKey) {
        if self.all[key] == nil, self.all.count >= Self.countMax,
            let oldest = self.all.min(by: { $0.value.version < $1.value.version })
        {
            self.all[oldest.key] = nil
        }
        self.all[key] = decision
    }

    /// Those on instances that are known by now.
    mutating func take(_ known: Set<InstanceKey>) -> [InstanceKey: SharedBreaker.Decision] {
        let due = self.all.filter { known.contains($0.key) }
        for key in due.keys { self.all[key] = nil }
        return due
    }
}
