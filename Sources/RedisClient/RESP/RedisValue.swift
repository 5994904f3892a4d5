/// A reply, or a part of one.
///
/// `text` stands for bulk and status replies alike: no command's meaning depends on which of the two Redis chose.
/// An `error` is a value here because in a pipeline one command may fail and the next one succeed.
public enum RedisValue: Hashable, Sendable {
    case null
    case integer(Int64)
    case text([UInt8])
    case array([RedisValue])
    case error(String)
}

extension RedisValue {
    /// The text as a string, ill-formed UTF-8 repaired; nil for anything that is not text.
    public var string: String? {
        guard case .text(let bytes) = self else { return nil }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The bytes of a text; nil for anything that is not text.
    public var bytes: [UInt8]? {
        guard case .text(let bytes) = self else { return nil }
        return bytes
    }

    /// An integer reply, or a text that is a decimal number: Lua gives numbers above 2^53 as text.
    public var integer: Int64? {
        switch self {
        case .integer(let number): number
        case .text(let bytes): Int64(String(decoding: bytes, as: UTF8.self))
        case .null, .array, .error: nil
        }
    }

    public var array: [RedisValue]? {
        guard case .array(let values) = self else { return nil }
        return values
    }

    public var isNull: Bool { self == .null }
}
