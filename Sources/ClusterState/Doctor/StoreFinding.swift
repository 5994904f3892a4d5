/// Something about a Redis that its operator should know, with what to do about it.
public struct StoreFinding: Hashable, Sendable {
    public enum Severity: Int, Hashable, Sendable, Comparable {
        /// Good to know; nothing is wrong.
        case note
        /// Something may go wrong, or is left over.
        case warning
        /// Something is wrong.
        case error

        public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    public let severity: Severity
    /// For programs.
    public let code: String
    /// A key without its prefix, a setting, a library.
    public let subject: String
    public let sentence: String
    public let advice: String

    init(_ severity: Severity, _ code: String, _ subject: String, _ sentence: String, advice: String) {
        self.severity = severity
        self.code = code
        self.subject = subject
        self.sentence = sentence
        self.advice = advice
    }
}
