/// Why there is no private Redis.
public struct PrivateRedisError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind, which decides the program's exit code.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Name: String { case serverMissing, serverUnusable, directoryUnusable, directoryInUse, spawnFailed }

        private let name: Name

        public var description: String { self.name.rawValue }

        /// No `redis-server` on this machine.
        public static let serverMissing = Self(name: .serverMissing)
        /// There is one, but too old or broken.
        public static let serverUnusable = Self(name: .serverUnusable)
        /// The data directory cannot be made, written or addressed.
        public static let directoryUnusable = Self(name: .directoryUnusable)
        /// Another manager lives in the data directory: try again later.
        public static let directoryInUse = Self(name: .directoryInUse)
        /// The system refused a process.
        public static let spawnFailed = Self(name: .spawnFailed)
    }

    public let code: Code
    public let message: String

    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { self.message }
}
