internal import Decisions

/// One answer as it comes, kept as far as it is compared: the caller's, or the copy's.
struct GatheredAnswer {
    /// The body of a longer answer is not kept.
    static let bytesMax = 64 * 1024

    private(set) var answer = ShadowAnswer()
    private var isTooLong = false

    mutating func began(_ exchange: Exchange, status: Int) {
        self.answer.status = status
        self.answer.latencyMicroseconds = exchange.upstreamNanoseconds / 1000
    }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        self.isTooLong = self.isTooLong || self.answer.body.count + bytes.count > Self.bytesMax
        if self.isTooLong { self.answer.body = [] } else { self.answer.body.append(contentsOf: bytes) }
    }

    /// The instance broke off: as good as none.
    mutating func broke() { self.answer.status = 0 }
}
