/// Where a Redis is.
public enum RedisAddress: Sendable, Hashable {
    case tcp(host: String, port: Int)
    /// A path of at most 107 bytes: the kernel takes no longer one.
    case unixSocket(path: String)
    /// Sentinels that know where the primary called `primary` is now; see `SentinelMachine`.
    case sentinel(hosts: [SentinelHost], primary: String)

    /// One Sentinel.
    public struct SentinelHost: Sendable, Hashable {
        public let host: String
        public let port: Int

        public init(host: String, port: Int) {
            self.host = host
            self.port = port
        }
    }
}

extension RedisAddress: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tcp(let host, let port): "\(host.contains(":") ? "[\(host)]" : host):\(port)"
        case .unixSocket(let path): "unix:\(path)"
        case .sentinel(let hosts, let primary):
            "sentinel:\(hosts.map { "\($0.host):\($0.port)" }.joined(separator: ","))/\(primary)"
        }
    }
}
