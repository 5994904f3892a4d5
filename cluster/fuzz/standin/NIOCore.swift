/// What `ReplyDecoder` uses of NIO's `ByteBuffer`, so that its fuzz target compiles in seconds and without the package.
public struct ByteBuffer {
    private var bytes: ArraySlice<UInt8>

    public init() { self.bytes = [] }
    public init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes)[...] }

    public var readableBytes: Int { self.bytes.count }

    public mutating func writeImmutableBuffer(_ other: ByteBuffer) { self.bytes += other.bytes }

    public mutating func readSlice(length: Int) -> ByteBuffer? {
        guard length >= 0, length <= self.bytes.count else { return nil }
        defer { self.bytes = self.bytes.dropFirst(length) }
        return ByteBuffer(bytes: self.bytes.prefix(length))
    }

    public func withUnsafeReadableBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try self.bytes.withUnsafeBytes(body)
    }
}
