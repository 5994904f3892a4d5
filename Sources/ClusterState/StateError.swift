public import RedisClient

/// Why the shared truth could not be read or changed.
///
/// Callers ask two things: what to answer (`code`), and whether the change may have happened all the same
/// (`isOutcomeUnknown`): commands are idempotent, so after an unknown outcome the same call may be made again.
public struct StateError: Error, Sendable, Hashable {
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Name: String { case unavailable, conflict, notFound, invalid, unreadable, deposed }

        private let name: Name
        public var description: String { self.name.rawValue }

        /// Redis cannot be used now, or refuses writes.
        public static let unavailable = Self(name: .unavailable)
        /// The record is not as the caller expected it.
        public static let conflict = Self(name: .conflict)
        /// There is no such record.
        public static let notFound = Self(name: .notFound)
        /// The record cannot be stored in the form it has.
        public static let invalid = Self(name: .invalid)
        /// What Redis holds or answered is not what a Model Manager writes.
        public static let unreadable = Self(name: .unreadable)
        /// The write was a leader's, and a newer leader was chosen since: it did not happen and must not be repeated.
        public static let deposed = Self(name: .deposed)
    }

    public let code: Code
    public let message: String
    public let isOutcomeUnknown: Bool
    /// What Redis or the connection to it said, when that is the reason.
    public let underlying: RedisError?

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
        self.isOutcomeUnknown = false
        self.underlying = nil
    }

    init(_ error: RedisError) {
        let isSurprise = [.wrongType, .reply, .protocolViolation].contains(error.code)
        self.code = isSurprise ? .unreadable : .unavailable
        self.message = error.message
        self.isOutcomeUnknown = error.isOutcomeUnknown
        self.underlying = error
    }
}

extension StateError: CustomStringConvertible {
    public var description: String { "\(self.code): \(self.message)" }
}
