/// How to reach a Redis and how patient to be with it.
///
/// Its description names the place, never the password, so it may be logged.
public struct RedisConfiguration: Sendable, Hashable {
    public var address: RedisAddress
    public var user: String?
    public var password: String?
    public var database: Int
    /// For the sentinels, which have users and passwords of their own.
    public var sentinelUser: String?
    public var sentinelPassword: String?
    /// Shown by `CLIENT LIST`; helps a person to tell the connections of a replica apart.
    public var clientName: String?
    /// Speak TLS and verify the server's certificate and name.
    public var isTLS: Bool
    /// PEM file of the authorities to trust instead of the system's.
    public var certificateAuthorityFile: String?
    /// How long a command may take unless its caller says otherwise. Too small: a busy Redis looks dead. Too large: a
    /// dead one is noticed late. A reply more than `lateReplyMax` overdue closes the connection.
    public var commandTimeout: Duration = .milliseconds(500)
    /// How long connecting, TLS and handshake together may take.
    public var connectTimeout: Duration = .seconds(1)
    /// How overdue a reply may be before the connection is given up.
    public var lateReplyMax: Duration = .seconds(1)
    /// Between two `PING`s that ask whether the server is still there and measure `latency`. None is sent while a command
    /// is under way: that one's deadline tells as much.
    public var heartbeatInterval: Duration = .seconds(1)
    /// Commands without a reply yet, over which more are refused. Too large: memory while Redis is slow.
    public var commandsInFlightMax: Int = 4096

    public init(address: RedisAddress, user: String? = nil, password: String? = nil, database: Int = 0) {
        self.address = address
        self.user = user
        self.password = password
        self.database = database
        self.isTLS = false
    }
}

extension RedisConfiguration: CustomStringConvertible, CustomDebugStringConvertible {
    public var description: String {
        let credentials = self.password == nil ? "" : "\(self.user ?? "default"):…@"
        return "\(self.isTLS ? "tls:" : "")\(credentials)\(self.address) db=\(self.database)"
    }

    public var debugDescription: String { self.description }
}

extension RedisConfiguration: CustomReflectable {
    /// Keeps `dump` and string interpolation of optionals from showing the password.
    public var customMirror: Mirror { Mirror(self, children: ["address": self.address]) }
}
