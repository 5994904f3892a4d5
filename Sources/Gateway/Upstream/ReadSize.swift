internal import NIOCore

/// How much a connection reads at once, on both sides: a body of 20 KB in one call instead of two.
///
/// Fixed, because an adaptive size cost more per small request than it gained. The buffer belongs to its connection, but
/// of its pages only those that a message ever touched take memory.
enum ReadSize {
    static let bytes = 32 * 1024

    static var allocator: FixedSizeRecvByteBufferAllocator { FixedSizeRecvByteBufferAllocator(capacity: self.bytes) }
}
