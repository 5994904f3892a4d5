/// A pattern in which `*` stands for any run of characters, also for none.
///
/// Matched with one step back at most, to the last `*`, so that no pattern takes longer than its length times the text's.
public struct Glob: Hashable, Sendable, CustomStringConvertible {
    public let description: String
    private let pattern: [UInt8]

    public init(_ pattern: String) {
        self.description = pattern
        self.pattern = Array(pattern.utf8)
    }

    public func matches(_ text: String) -> Bool {
        let text = Array(text.utf8)
        var (place, index) = (0, 0)
        var star: (place: Int, index: Int)?
        while index < text.count {
            if place < self.pattern.count, self.pattern[place] == UInt8(ascii: "*") {
                star = (place, index)
                place += 1
            } else if place < self.pattern.count, self.pattern[place] == text[index] {
                (place, index) = (place + 1, index + 1)
            } else if let last = star {
                star = (last.place, last.index + 1)
                (place, index) = (last.place + 1, last.index + 1)
            } else {
                return false
            }
        }
        return self.pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
    }
}
