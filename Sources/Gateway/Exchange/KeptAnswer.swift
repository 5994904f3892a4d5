internal import NIOCore

/// An instance's 5xx or 429 answer, kept while another instance is tried, so that it can still be the caller's.
struct KeptAnswer {
    /// A longer answer is passed on instead of being kept: memory is bounded, and who answers that much means it.
    static let bytesMax = 64 * 1024

    let head: ResponseHead
    let member: RouteMember
    var headBytes: ByteBuffer
    var body = ByteBuffer()
    var upstreamNanoseconds: Int64 = 0

    init(_ head: ResponseHead, headBytes: UnsafeRawBufferPointer, member: RouteMember) {
        self.head = head
        self.member = member
        self.headBytes = ByteBuffer(bytes: headBytes)
    }
}
