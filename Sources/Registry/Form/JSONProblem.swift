/// Why a text is no JSON that we accept, and where.
public struct JSONProblem: Error, Hashable, Sendable {
    /// Bytes before the fault.
    public let offset: Int
    /// Counted from 1.
    public let line: Int
    /// In characters of the line, counted from 1.
    public let column: Int
    /// What is wrong, without a place.
    public let sentence: String

    /// Finds line and column of `offset` in `bytes`.
    init(_ sentence: String, at offset: Int, in bytes: [UInt8]) {
        var line = 1
        var column = 1
        for byte in bytes.prefix(offset) {
            if byte == UInt8(ascii: "\n") {
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
        }
        self.offset = offset
        self.line = line
        self.column = column
        self.sentence = sentence
    }
}

extension JSONProblem: CustomStringConvertible {
    public var description: String { "line \(self.line), column \(self.column): \(self.sentence)" }
}
