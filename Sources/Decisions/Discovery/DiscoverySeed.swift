public import Registry

/// One place of `DISCOVERY_SEEDS` where a server may be that nobody registered: `host:port`, or the name of SRV records
/// such as `_http._tcp.models.example`, whose answers bring their own ports.
public struct DiscoverySeed: Hashable, Sendable, CustomStringConvertible {
    public let description: String
    public let url: ServiceURL

    /// Throws a sentence that completes "the seed …".
    public init(_ text: String) throws(DiscoverySeedError) {
        let url: ServiceURL
        do {
            url = try ServiceURL("http://\(text)")
        } catch {
            throw DiscoverySeedError(description: "\(text) \(error)")
        }
        let hasPort = text.hasSuffix(":\(url.port)")
        guard url.pathPrefix.isEmpty, !text.hasSuffix("/"), url.isServiceName != hasPort else {
            throw DiscoverySeedError(description: "\(text) is neither host:port nor a name like _http._tcp.example")
        }
        self.description = text.lowercased()
        self.url = url
    }

    /// A name that stands for more than one address of a family is resolved anew at every sweep, so that each is an
    /// instance; for one machine, even with both kinds of address, its name is enough.
    public func discovery(of addresses: [InstanceAddress]) -> ServiceDefinition.Discovery {
        let six = addresses.count { $0.host.utf8.contains(UInt8(ascii: ":")) }
        return self.url.isServiceName || six > 1 || addresses.count - six > 1 ? .dns : .static
    }

    /// Who tells of services found here.
    public var source: Service.Source { self.url.isServiceName ? .dns : .probe }
}

/// Why a text is no seed.
public struct DiscoverySeedError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
}
