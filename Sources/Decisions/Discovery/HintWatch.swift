public import Registry

/// Notices what makes an early sweep worthwhile: a name that has no addresses yet, and an instance behind a name that
/// went bad, since its name may lead elsewhere by now. What stays as it is is told once.
public struct HintWatch: Hashable, Sendable {
    /// A service with `discovery: dns` as it is now.
    public struct Look: Hashable, Sendable {
        public var id: ServiceID
        public var isResolved: Bool
        /// Instances that probes or traffic call bad.
        public var bad: Set<InstanceKey>

        public init(id: ServiceID, isResolved: Bool, bad: Set<InstanceKey>) {
            self.id = id
            self.isResolved = isResolved
            self.bad = bad
        }
    }

    private var unresolved: Set<ServiceID> = []
    private var bad: Set<InstanceKey> = []

    public init() {}

    /// The services to hint at, sorted; usually none.
    public mutating func look(_ services: [Look]) -> [ServiceID] {
        let unresolved = Set(services.filter { !$0.isResolved }.map(\.id))
        let bad = services.reduce(into: Set<InstanceKey>()) { $0.formUnion($1.bad) }
        let news = unresolved.subtracting(self.unresolved).union(bad.subtracting(self.bad).map(\.service))
        (self.unresolved, self.bad) = (unresolved, bad)
        return news.sorted()
    }
}
