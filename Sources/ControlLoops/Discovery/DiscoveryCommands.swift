public import Registry

/// What discovery needs of the shared truth. Each call ends within a bounded time.
///
/// Discovery is the leader's: every write carries the term under which its sweep began, and an older one is refused.
/// An error means "not now": the same is asked again later. Only `CommandRefused` is for good.
public protocol DiscoveryCommands: Sendable {
    /// Registers the service as the source's, or makes it so.
    func register(_ definition: ServiceDefinition, source: Service.Source, under term: Term) async throws
    /// Removes the service if it is still the source's. That it is gone or another's is no error.
    func remove(_ id: ServiceID, source: Service.Source, under term: Term) async throws
    /// What of the services file was applied last: a fingerprint by service id.
    func appliedFile() async throws -> [String: String]
    /// Remembers what of the services file is applied now, instead of what was remembered.
    func setAppliedFile(_ applied: [String: String], under term: Term) async throws
}

/// A command that will never succeed as it is, however often it is repeated.
public struct CommandRefused: Error, Hashable, Sendable {
    public var reason: String

    public init(_ reason: String) {
        self.reason = reason
    }
}
