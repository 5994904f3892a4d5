/// One word of a command: its name, a key, an argument.
///
/// Redis words are bytes, not text: whatever is in them travels with its length before it, so nothing a caller puts
/// into a word can end it or begin another one.
public struct RedisWord: Hashable, Sendable {
    public let bytes: [UInt8]

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    public init(_ text: String) {
        self.bytes = Array(text.utf8)
    }

    public init(_ number: Int64) {
        self.bytes = Array(String(number).utf8)
    }
}

extension RedisWord: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
    public init(stringLiteral text: String) {
        self.init(text)
    }

    public init(integerLiteral number: Int64) {
        self.init(number)
    }
}

extension RedisWord: CustomStringConvertible {
    public var description: String { String(decoding: self.bytes, as: UTF8.self) }
}
