import CHiredis
import NIOCore

/// Turns the bytes of a connection into replies, wherever they are cut: hiredis' reader, fed in small pieces.
///
/// hiredis is given at most 16 KiB at a time (its buffer compaction is quadratic in what lies unread). It speaks RESP2,
/// eight levels deep. Its errors are sticky: after `next()` threw once the stream cannot be understood any more, and
/// the connection must be closed.
///
/// Invariant: `builder` and `callbacks` outlive `reader`, which points at both.
final class ReplyDecoder {
    private static let pieceBytesMax = 16 * 1024

    private let limits: ReplyLimits
    private let builder: ReplyBuilder
    private let callbacks: UnsafeMutablePointer<redisReplyObjectFunctions>
    private let reader: UnsafeMutablePointer<redisReader>?
    private var pending = ByteBuffer()
    private var failure: RedisError?

    init(limits: ReplyLimits = ReplyLimits()) {
        self.limits = limits
        self.builder = ReplyBuilder(limits: limits)
        self.callbacks = .allocate(capacity: 1)
        self.callbacks.initialize(to: ReplyBuilder.callbacks)
        self.reader = redisReaderCreateWithFunctions(self.callbacks)
        self.reader?.pointee.privdata = Unmanaged.passUnretained(self.builder).toOpaque()
    }

    deinit {
        redisReaderFree(self.reader)
        self.callbacks.deallocate()
    }

    func feed(_ bytes: ByteBuffer) {
        if self.pending.readableBytes == 0 {
            self.pending = bytes
        } else {
            self.pending.writeImmutableBuffer(bytes)
        }
    }

    /// The next complete reply; nil when more bytes are needed.
    func next() throws(RedisError) -> RedisValue? {
        if let failure { throw failure }
        while true {
            if let value = try self.parse() { return value }
            guard let piece = self.pending.readSlice(length: min(Self.pieceBytesMax, self.pending.readableBytes)),
                piece.readableBytes > 0
            else { return nil }
            try self.feedReader(piece)
        }
    }

    private func parse() throws(RedisError) -> RedisValue? {
        var token: UnsafeMutableRawPointer?
        guard let reader, redisReaderGetReply(reader, &token) == REDIS_OK else { throw self.fail() }
        return token == nil ? nil : self.builder.take()
    }

    private func feedReader(_ piece: ByteBuffer) throws(RedisError) {
        let status = piece.withUnsafeReadableBytes { bytes in
            redisReaderFeed(self.reader, bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count)
        }
        guard status == REDIS_OK, let reader else { throw self.fail() }
        guard reader.pointee.len - reader.pointee.pos <= self.limits.replyBytesMax else {
            throw self.fail("a reply of more than \(self.limits.replyBytesMax) bytes")
        }
    }

    private func fail(_ reason: String? = nil) -> RedisError {
        let text = reason ?? self.builder.violation ?? self.readerError
        let error = RedisError(.protocolViolation, "Redis sent what is no reply: \(text)")
        self.failure = error
        return error
    }

    private var readerError: String {
        guard let reader else { return "no memory for the reader" }
        return withUnsafeBytes(of: reader.pointee.errstr) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
}
