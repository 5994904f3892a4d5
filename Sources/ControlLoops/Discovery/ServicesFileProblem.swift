/// Why a services file is refused as a whole, and where.
public struct ServicesFileProblem: Error, Hashable, Sendable, CustomStringConvertible {
    /// Counted from 1.
    public var line: Int
    /// In characters of the line, counted from 1.
    public var column: Int
    /// What is wrong, without a place.
    public var sentence: String

    public init(line: Int, column: Int, sentence: String) {
        self.line = line
        self.column = column
        self.sentence = sentence
    }

    public var description: String { "line \(self.line), column \(self.column): \(self.sentence)" }
}
