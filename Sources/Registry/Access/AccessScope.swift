/// The services that a caller may use and change. What he may see is not narrowed by it.
///
/// A model is his to use only when all services that might answer are: whether a request is allowed must not depend on
/// the pick.
public struct AccessScope: Hashable, Sendable {
    public let services: [Glob]

    public init(_ services: [Glob]) {
        self.services = services
    }

    public func allows(_ service: ServiceID) -> Bool {
        self.services.contains { $0.matches(service.text) }
    }
}
