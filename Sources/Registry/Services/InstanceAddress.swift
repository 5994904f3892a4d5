/// Where a name led to: an IP address and a port, written `10.0.0.7:8000` or `[fd00::7]:8000`.
public struct InstanceAddress: Hashable, Sendable {
    /// An IPv6 address without its brackets, in the form the resolver gave.
    public let host: String
    public let port: Int

    public init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    /// Nil when the text is no address with a port.
    public init?(_ text: String) {
        guard let url = try? ServiceURL("http://\(text)"), url.pathPrefix.isEmpty, text.hasSuffix(":\(url.port)") else {
            return nil
        }
        self.init(host: url.host, port: url.port)
    }
}

extension InstanceAddress: Comparable, CustomStringConvertible {
    public var description: String {
        self.host.utf8.contains(UInt8(ascii: ":")) ? "[\(self.host)]:\(self.port)" : "\(self.host):\(self.port)"
    }

    public static func < (left: Self, right: Self) -> Bool { (left.host, left.port) < (right.host, right.port) }
}

/// What the leader found a service's host name to stand for, kept in the registry so that all replicas have the same
/// instances at the same epoch.
public struct Resolution: Hashable, Sendable {
    /// The URL whose host was resolved: when the service moved to another one meanwhile, the addresses say nothing.
    public let url: ServiceURL
    /// Sorted, without repetition.
    public let addresses: [InstanceAddress]

    /// A service has at most so many instances; a name that stands for more is cut, the lowest addresses stay.
    public static let addressesMax = 256

    public init(url: ServiceURL, addresses: [InstanceAddress]) {
        self.url = url
        self.addresses = Array(Set(addresses).sorted().prefix(Self.addressesMax))
    }
}
