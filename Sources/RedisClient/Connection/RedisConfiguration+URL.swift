extension RedisConfiguration {
    /// Reads a URL: `redis://[user:password@]host[:port][/db]`, `rediss://…` (TLS), `unix:///path[?db=n]`,
    /// `redis+sentinel://[user:password@]h1:26379,h2:26379/primary[/db]`, `rediss+sentinel://…` (TLS to all of them).
    ///
    /// User and password are percent-decoded; `redis://:secret@host` is the default user. `?ca=/file.pem` names the
    /// authorities to trust for `rediss`; `?sentinel_user=` and `?sentinel_password=` are for the sentinels, user and
    /// password before the `@` for the primary. Unknown parts are refused, so that a typing error is not ignored.
    public init(url: String) throws(RedisError) {
        let parts = try RedisURLParts(url)
        switch parts.scheme {
        case "redis", "rediss": try self.init(server: parts)
        case "unix": try self.init(socket: parts)
        case "redis+sentinel", "rediss+sentinel": try self.init(sentinel: parts)
        default:
            throw RedisURLParts.invalid("scheme '\(parts.scheme)' is none of redis, rediss, unix, redis+sentinel")
        }
        (self.user, self.password) = (parts.user, parts.password)
        self.isTLS = parts.scheme.hasPrefix("rediss")
        self.certificateAuthorityFile = try parts.option("ca", allowed: self.isTLS)
        let isSentinel = parts.scheme.hasSuffix("+sentinel")
        self.sentinelUser = try parts.option("sentinel_user", allowed: isSentinel)
        self.sentinelPassword = try parts.option("sentinel_password", allowed: isSentinel)
    }

    private init(server parts: RedisURLParts) throws(RedisError) {
        let host = try RedisURLParts.host(parts.authority, defaultPort: 6379)
        guard !host.host.isEmpty else { throw RedisURLParts.invalid("the host is missing") }
        let path = parts.path.drop { $0 == "/" }
        let queried = try parts.option("db", allowed: path.isEmpty)
        self.init(
            address: .tcp(host: host.host, port: host.port),
            database: try RedisURLParts.database(path.isEmpty ? queried : String(path))
        )
    }

    private init(socket parts: RedisURLParts) throws(RedisError) {
        guard parts.authority.isEmpty, parts.path.count > 1 else {
            throw RedisURLParts.invalid("a socket's path must be absolute: unix:///path")
        }
        guard parts.path.utf8.count <= Self.socketPathBytesMax else {
            throw RedisURLParts.invalid(
                "the socket's path has \(parts.path.utf8.count) bytes, the system allows \(Self.socketPathBytesMax)"
            )
        }
        self.init(
            address: .unixSocket(path: parts.path),
            database: try RedisURLParts.database(parts.option("db", allowed: true))
        )
    }

    private init(sentinel parts: RedisURLParts) throws(RedisError) {
        let path = parts.path.drop { $0 == "/" }.split(separator: "/", omittingEmptySubsequences: false)
        guard let primary = path.first, !primary.isEmpty, path.count <= 2 else {
            throw RedisURLParts.invalid("the primary's name is missing: redis+sentinel://host:26379/name[/db]")
        }
        let queried = try parts.option("db", allowed: path.count == 1)
        var hosts: [RedisAddress.SentinelHost] = []
        for text in parts.authority.split(separator: ",", omittingEmptySubsequences: false) {
            let host = try RedisURLParts.host(String(text), defaultPort: 26379)
            guard !host.host.isEmpty else { throw RedisURLParts.invalid("a Sentinel's host is missing") }
            hosts.append(host)
        }
        self.init(
            address: .sentinel(hosts: hosts, primary: String(primary)),
            database: try RedisURLParts.database(path.count == 2 ? String(path[1]) : queried)
        )
    }

    /// The kernel's `sun_path` without its closing zero.
    static let socketPathBytesMax = 107
}
