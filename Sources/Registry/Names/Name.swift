/// The form that service ids, model types, versions and aliases share: `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`.
///
/// Narrow on purpose: such a name is safe as it stands in a Redis key, a path, a metric label, a log line and HTML.
public enum NameRule {
    public static let pattern = "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
    public static let bytesMax = 128

    public static func allows(_ text: String) -> Bool {
        let bytes = text.utf8
        guard let first = bytes.first, self.isAlphanumeric(first), bytes.count <= self.bytesMax else { return false }
        return bytes.allSatisfy {
            self.isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: "-")
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: false
        }
    }
}

/// A text that follows `NameRule`; what it names is in the type.
public protocol Name: Hashable, Comparable, Sendable, CustomStringConvertible {
    var text: String { get }
    /// Nil when the text breaks `NameRule`.
    init?(_ text: String)
}

extension Name {
    public var description: String { self.text }
    public static func < (left: Self, right: Self) -> Bool { left.text < right.text }
}

/// Names a service, once per cluster.
public struct ServiceID: Name {
    public let text: String
    public init?(_ text: String) {
        guard NameRule.allows(text) else { return nil }
        self.text = text
    }
}

/// Names what a family of models does, such as `LSTM`; callers ask for it.
public struct ModelType: Name {
    public let text: String
    public init?(_ text: String) {
        guard NameRule.allows(text) else { return nil }
        self.text = text
    }
}

/// Names a version of a model type, or an alias of one: the two share a namespace, so that a request may name either.
public struct ModelVersion: Name {
    public let text: String
    public init?(_ text: String) {
        guard NameRule.allows(text) else { return nil }
        self.text = text
    }

    private init(known text: String) { self.text = text }
    /// The alias every request means that names no version; never the name of a version.
    public static let latest = ModelVersion(known: "latest")
    /// The version of a service that was registered without one.
    public static let unnamed = ModelVersion(known: "default")
}
