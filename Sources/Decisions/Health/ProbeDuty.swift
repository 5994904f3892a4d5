public import Registry

/// Which replica probes which instance: all of them divide the work alike without a word.
///
/// Rendezvous hashing: each pair of replica and instance has a number, and the highest one of an instance wins. When a
/// replica comes or goes only its own share moves. Replicas that disagree about who lives, for a moment, are kept apart
/// by the claim in Redis, not here.
public struct ProbeDuty: Hashable, Sendable {
    public let replicas: [String]
    public let own: String
    private let hashes: [UInt64]

    /// `replicas` are those that take duties; without this one among them it has none.
    public init(replicas: [String], own: String) {
        self.replicas = replicas
        self.own = own
        self.hashes = replicas.map { StableHash.of($0) }
    }

    /// Nil when everybody is excluded.
    public func owner(of key: InstanceKey, without excluded: Set<String> = []) -> String? {
        let hash = StableHash.of(key.description)
        var best: (replica: String, weight: UInt64)?
        for (replica, own) in zip(self.replicas, self.hashes) where !excluded.contains(replica) {
            let weight = StableHash.mixed(own ^ hash)
            guard let found = best, (found.weight, found.replica) > (weight, replica) else {
                best = (replica, weight)
                continue
            }
        }
        return best?.replica
    }

    /// An instance that nobody else can reach is everybody's.
    public func isMine(_ key: InstanceKey, without excluded: Set<String> = []) -> Bool {
        guard self.replicas.contains(self.own) else { return false }
        return (self.owner(of: key, without: excluded) ?? self.owner(of: key)) == self.own
    }

    /// Whether this replica is the one to look when `suspecting` found an instance down.
    public func givesOpinion(on key: InstanceKey, suspecting: String, without excluded: Set<String> = []) -> Bool {
        suspecting != self.own && self.isMine(key, without: excluded.union([suspecting]))
    }
}
