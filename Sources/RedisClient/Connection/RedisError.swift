/// What went wrong with Redis, and what that leaves open.
///
/// The question that matters to a caller is whether the command may have been carried out: `isOutcomeUnknown`. An
/// unknown outcome must be met with an idempotent retry or a read; every other error means that nothing was changed
/// (commands of a pipeline excepted: those before the failing one did run).
/// The message never holds a password: errors are built from what Redis and the system say, not from the URL.
public struct RedisError: Error, Sendable, Hashable {
    /// The kind of an error, named after what the caller or the connection does about it.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Name: String {
            case notConnected, connectFailed, connectionLost, deadlineExceeded, cancelled, tooManyInFlight
            case protocolViolation, invalidConfiguration, unsupported
            case loading, busy, readOnly, masterDown, unblocked, clusterDown, moved
            case misconfigured, outOfMemory, notEnoughReplicas, tooManyClients
            case noAuth, noPermission, functionMissing, wrongType, reply
        }

        private let name: Name

        public var description: String { self.name.rawValue }

        /// There is no usable connection now; nothing was sent.
        public static let notConnected = Self(name: .notConnected)
        /// The server could not be reached or refused the handshake.
        public static let connectFailed = Self(name: .connectFailed)
        /// The connection ended while the command was under way.
        public static let connectionLost = Self(name: .connectionLost)
        /// No reply in time.
        public static let deadlineExceeded = Self(name: .deadlineExceeded)
        /// The calling task was cancelled.
        public static let cancelled = Self(name: .cancelled)
        /// `commandsInFlightMax` commands are waiting already; nothing was sent.
        public static let tooManyInFlight = Self(name: .tooManyInFlight)
        /// The server's bytes were no RESP2, or beyond the limits.
        public static let protocolViolation = Self(name: .protocolViolation)
        /// The URL or another setting is wrong.
        public static let invalidConfiguration = Self(name: .invalidConfiguration)
        /// Understood, but this version cannot do it.
        public static let unsupported = Self(name: .unsupported)
        /// `-LOADING`: the server reads its data from disk. The connection is closed and tried again.
        public static let loading = Self(name: .loading)
        /// `-BUSY`: a script runs too long. Treated as down.
        public static let busy = Self(name: .busy)
        /// `-READONLY`, or `ROLE` said replica: this server cannot take writes. The connection is made anew.
        public static let readOnly = Self(name: .readOnly)
        /// `-MASTERDOWN`: a replica without its primary. As `readOnly`.
        public static let masterDown = Self(name: .masterDown)
        /// `-UNBLOCKED`: a blocked read ended because the server's role changed. As `readOnly`.
        public static let unblocked = Self(name: .unblocked)
        /// `-CLUSTERDOWN`: as down.
        public static let clusterDown = Self(name: .clusterDown)
        /// `-MOVED`, `-ASK`: the keys live on another node of a Redis Cluster, which this client does not follow.
        public static let moved = Self(name: .moved)
        /// `-MISCONF`: the server cannot persist; writes are refused, reads work, the connection stays.
        public static let misconfigured = Self(name: .misconfigured)
        /// `-OOM`: as `misconfigured`.
        public static let outOfMemory = Self(name: .outOfMemory)
        /// `-NOREPLICAS`: as `misconfigured`.
        public static let notEnoughReplicas = Self(name: .notEnoughReplicas)
        /// The server has no connection left for us.
        public static let tooManyClients = Self(name: .tooManyClients)
        /// `-NOAUTH`, `-WRONGPASS`: wrong or missing credentials. Tried again slowly.
        public static let noAuth = Self(name: .noAuth)
        /// `-NOPERM`, or a function that met a command its user may not run.
        public static let noPermission = Self(name: .noPermission)
        /// The function is not there, even after the library was loaded.
        public static let functionMissing = Self(name: .functionMissing)
        /// The key holds something else than the command expects.
        public static let wrongType = Self(name: .wrongType)
        /// Any other error reply.
        public static let reply = Self(name: .reply)
    }

    public let code: Code
    public let message: String
    /// The command may or may not have been carried out.
    public let isOutcomeUnknown: Bool

    public init(_ code: Code, _ message: String, isOutcomeUnknown: Bool = false) {
        self.code = code
        self.message = message
        self.isOutcomeUnknown = isOutcomeUnknown
    }
}

extension RedisError: CustomStringConvertible {
    public var description: String {
        "\(self.code): \(self.message)\(self.isOutcomeUnknown ? " (it may have been carried out)" : "")"
    }
}

extension RedisError.Code {
    /// Writes are refused for now while reads go on and the connection stays.
    public var refusesWrites: Bool {
        [.misconfigured, .outOfMemory, .notEnoughReplicas].contains(self)
    }

    /// After such a reply this server is of no use to us: close, look for a usable one.
    var endsConnection: Bool {
        let ending: [Self] = [
            .loading, .busy, .readOnly, .masterDown, .unblocked, .clusterDown, .tooManyClients, .noAuth,
        ]
        return ending.contains(self)
    }
}
