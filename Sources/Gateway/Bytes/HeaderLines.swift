/// Walks over the header lines of a head that a parser has accepted.
///
/// The parser has checked the lines, so the walk only looks for their ends; every index is compared all the same, and
/// a walk over other bytes than the parsed ones ends early instead of reading beyond them.
public struct HeaderLines {
    private let bytes: UnsafeRawBufferPointer
    private var next: Int
    private let end: Int

    /// From the first byte after the request or status line to the first byte of the empty line.
    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) {
        self.bytes = bytes
        self.next = start
        self.end = min(end, bytes.count)
    }

    /// The next line; nil after the last.
    @inline(__always)
    public mutating func nextLine() -> HeaderLine? {
        let start = self.next
        var index = start
        while index < self.end, self.bytes[index] != HeaderBytes.colon { index &+= 1 }
        guard index < self.end else { return nil }
        let name = ByteRange(from: start, to: index)
        let valueStart = index &+ 1
        index = valueStart
        while true {  // A tab or a byte beyond ASCII ends a plain run, but not the line.
            index = HeaderBytes.plainEnd(self.bytes, from: index)
            guard index &+ 1 < self.end else { return nil }
            if self.bytes[index] == HeaderBytes.carriageReturn { break }
            index &+= 1
        }
        self.next = index &+ 2
        return HeaderLine(
            name: name,
            value: HeaderBytes.trimmed(self.bytes, from: valueStart, to: index),
            line: ByteRange(from: start, to: index &+ 2),
            header: KnownHeader.named(self.bytes, name)
        )
    }
}
