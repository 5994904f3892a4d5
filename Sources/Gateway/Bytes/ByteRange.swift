/// Where some bytes lie in a buffer: an offset from its start and a length, eight bytes together.
///
/// Parsers hand out ranges instead of copies or pointers, so that what they found outlives the borrowed buffer and
/// costs no allocation. A range says nothing about which buffer: its holder knows. Buffers are below 4 GiB.
public struct ByteRange: Hashable, Sendable {
    private let start: UInt32
    private let length: UInt32

    /// Stands for "not there". No parser hands out a range at offset 0 for anything that may be absent.
    public static let none = ByteRange(from: 0, to: 0)

    @inline(__always)
    public init(from offset: Int, to end: Int) {
        self.start = UInt32(truncatingIfNeeded: offset)
        self.length = UInt32(truncatingIfNeeded: end &- offset)
    }

    @inline(__always) public var offset: Int { Int(self.start) }
    @inline(__always) public var count: Int { Int(self.length) }
    /// One past the last byte.
    @inline(__always) public var end: Int { Int(self.start) &+ Int(self.length) }
    /// Whether the thing was there at all, perhaps empty.
    @inline(__always) public var isPresent: Bool { self.start != 0 }

    /// The bytes themselves; nothing when the range does not lie inside the buffer.
    @inline(__always)
    public func bytes(of buffer: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        guard self.end <= buffer.count else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(rebasing: buffer[self.offset..<self.end])
    }
}
