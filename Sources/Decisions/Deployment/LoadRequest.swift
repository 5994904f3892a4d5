public import Registry

/// One request of a deployment to a service.
public struct LoadRequest: Hashable, Sendable {
    /// The service's own address, or that of its management.
    public var url: ServiceURL
    public var method: String
    /// With the address' path prefix, and a query where there is one.
    public var path: String
    public var body: JSONValue?

    public init(_ method: String, _ url: ServiceURL, _ path: String, body: JSONValue? = nil) {
        self.url = url
        self.method = method
        self.path = url.pathPrefix + path
        self.body = body
    }
}
