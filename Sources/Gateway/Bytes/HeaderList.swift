/// Walks over the members of a comma-separated header value, without the blanks around them; skips empty ones.
struct HeaderList {
    private let bytes: UnsafeRawBufferPointer
    private var next: Int
    private let end: Int

    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer, _ value: ByteRange) {
        self.bytes = bytes
        self.next = value.offset
        self.end = min(value.end, bytes.count)
    }

    @inline(__always)
    mutating func nextMember() -> ByteRange? {
        while self.next < self.end {
            var index = self.next
            while index < self.end, self.bytes[index] != UInt8(ascii: ",") { index &+= 1 }
            let member = HeaderBytes.trimmed(self.bytes, from: self.next, to: index)
            self.next = index &+ 1
            if member.count > 0 { return member }
        }
        return nil
    }
}
