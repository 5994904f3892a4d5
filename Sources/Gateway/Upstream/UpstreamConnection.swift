internal import NIOCore
internal import Registry

/// One HTTP/1.1 connection to an instance: writes one request at a time, finds the answer's head and end, hands its
/// parts to the receiver as they come.
///
/// The hard case is reuse. A connection serves again only when the answer ended exactly where its framing said, with
/// not a byte behind it; anything else could hand one caller the rest of another's answer.
/// Confined to its event loop (`@unchecked Sendable`).
final class UpstreamConnection: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private enum Phase {
        case idle, head
        case length(Int)
        case chunked(ChunkedDecoder)
        case untilClose
        case closed
    }

    private let lane: UpstreamLane?
    private let upstream: Upstream?
    private let limits = HeadLimits()
    private var context: ChannelHandlerContext?
    private var receiver: AnswerReceiver?
    private var phase = Phase.idle
    private var partial: ByteBuffer?
    private var keepsAlive = true
    private var answersHead = false
    private var hasServed = false
    private var isPaused = false
    private var failure: UpstreamEnd?
    private(set) var idleSince = Instant(nanoseconds: 0)

    /// - Parameters: both nil for a connection that is used once and belongs to no lane.
    init(upstream: Upstream?, lane: UpstreamLane?) {
        self.upstream = upstream
        self.lane = lane
    }

    // MARK: Towards the instance

    /// False: it died while idle; take another. (The end of a connection sets its phase before anybody can ask.)
    var isUsable: Bool {
        if case .idle = self.phase { true } else { false }
    }

    /// Writes a request; its answer goes to `receiver`.
    func send(_ request: ByteBuffer, answersHead: Bool = false, to receiver: AnswerReceiver) {
        guard let context = self.context else { return receiver.failed(UpstreamEnd(.reset, "connection is closed")) }
        self.receiver = receiver
        self.answersHead = answersHead
        self.phase = .head
        context.writeAndFlush(self.wrapOutboundOut(request), promise: nil)
    }

    /// Nobody waits for this connection any more: it may serve the next request.
    func park() {
        guard let lane = self.lane, self.isUsable else { return self.close() }
        self.idleSince = MonotonicClock.now()
        lane.putIdle(self)
    }

    /// The receiver wants no more of this answer, so the connection is of no use.
    func abandon() {
        self.receiver = nil
        self.close()
    }

    func close() {
        self.phase = .closed
        self.context?.close(promise: nil)
    }

    /// Stops or resumes reading, to hold back an instance that is faster than the caller.
    func setPaused(_ isPaused: Bool) {
        guard self.isPaused != isPaused, let channel = self.context?.channel else { return }
        self.isPaused = isPaused
        try? channel.syncOptions?.setOption(.autoRead, value: !isPaused)
        if !isPaused { channel.read() }
    }

    // MARK: From the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = self.unwrapInboundIn(data)
        switch self.phase {
        case .head: self.readHead(bytes)
        case .length(let left): self.readBody(bytes, left: left)
        case .chunked(var decoder): self.readChunks(bytes, &decoder)
        case .untilClose: self.receiver?.receivedBody(bytes)
        case .idle: self.close()  // It speaks without being asked.
        case .closed: break
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.receiver?.receivedPause()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.failure = UpstreamTLS.refusal(error) ?? UpstreamEnd(.reset, "\(error)")
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.lane?.closed(self)
        let receiver = self.receiver
        let phase = self.phase
        self.receiver = nil
        self.phase = .closed
        guard let receiver else { return }
        if case .untilClose = phase, self.failure == nil { return receiver.receivedEnd() }
        var end = self.failure ?? UpstreamEnd(.reset, "connection closed by the instance")
        if case .head = phase, self.partial == nil { end.isStale = self.hasServed }
        receiver.failed(end)
    }

    // MARK: Answers

    private func readHead(_ arrived: ByteBuffer) {
        var bytes = arrived
        if var partial = self.partial {
            partial.writeBuffer(&bytes)
            bytes = partial
            self.partial = nil
        }
        while bytes.readableBytes > 0 {
            let result = bytes.withUnsafeReadableBytes {
                ResponseHead.parse($0, limits: self.limits, answersHead: self.answersHead)
            }
            switch result {
            case .head(let head) where head.isInterim: bytes.moveReaderIndex(forwardBy: head.headBytes)
            case .head(let head): return self.begin(head, bytes)
            case .incomplete:
                self.partial = bytes
                return
            case .invalid(let reason): return self.broke("answer head is invalid: \(reason)")
            }
        }
    }

    private func begin(_ head: ResponseHead, _ bytes: ByteBuffer) {
        self.keepsAlive = head.keepsAlive
        let available = bytes.readableBytes &- head.headBytes
        switch head.framing {
        case .none where available >= 0: self.whole(head, bytes, bodyBytes: 0)
        case .contentLength(let length) where available >= length: self.whole(head, bytes, bodyBytes: length)
        case .none: self.broke("answer has no end")
        case .contentLength(let length): self.open(head, bytes, .length(length))
        case .chunked: self.open(head, bytes, .chunked(ChunkedDecoder()))
        case .untilClose: self.open(head, bytes, .untilClose)
        }
    }

    @inline(__always)
    private func whole(_ head: ResponseHead, _ bytes: ByteBuffer, bodyBytes: Int) {
        guard let receiver = self.receiver else { return }
        self.ended(leftOver: bytes.readableBytes &- head.headBytes &- bodyBytes)
        bytes.withUnsafeReadableBytes { all in
            receiver.receivedWhole(
                head,
                headBytes: UnsafeRawBufferPointer(rebasing: all[..<head.headBytes]),
                body: UnsafeRawBufferPointer(rebasing: all[head.headBytes..<(head.headBytes &+ bodyBytes)])
            )
        }
    }

    /// The answer goes on beyond the bytes at hand.
    private func open(_ head: ResponseHead, _ bytes: ByteBuffer, _ phase: Phase) {
        self.phase = phase
        bytes.withUnsafeReadableBytes {
            self.receiver?.receivedHead(head, headBytes: UnsafeRawBufferPointer(rebasing: $0[..<head.headBytes]))
        }
        var body = bytes
        body.moveReaderIndex(forwardBy: head.headBytes)
        guard self.receiver != nil, body.readableBytes > 0 else { return }
        switch phase {
        case .length(let length): self.readBody(body, left: length)
        case .chunked(var decoder): self.readChunks(body, &decoder)
        case .untilClose: self.receiver?.receivedBody(body)
        case .idle, .head, .closed: break
        }
    }

    private func readBody(_ bytes: ByteBuffer, left: Int) {
        guard let receiver = self.receiver else { return }
        if bytes.readableBytes < left {
            self.phase = .length(left &- bytes.readableBytes)
            return receiver.receivedBody(bytes)
        }
        let last = bytes.getSlice(at: bytes.readerIndex, length: left) ?? bytes
        receiver.receivedBody(last)
        guard self.receiver === receiver else { return }
        self.ended(leftOver: bytes.readableBytes &- left)
        receiver.receivedEnd()
    }

    private func readChunks(_ bytes: ByteBuffer, _ decoder: inout ChunkedDecoder) {
        guard let receiver = self.receiver else { return }
        var offset = 0
        while true {
            let step = bytes.withUnsafeReadableBytes { decoder.next($0, at: &offset) }
            switch step {
            case .data(let range):
                guard let data = bytes.getSlice(at: bytes.readerIndex &+ range.offset, length: range.count) else {
                    return
                }
                receiver.receivedBody(data)
                guard self.receiver === receiver else { return }
            case .needsMore:
                self.phase = .chunked(decoder)
                return
            case .end:
                self.ended(leftOver: bytes.readableBytes &- offset)
                return receiver.receivedEnd()
            case .invalid(let reason):
                return self.broke("chunked body is invalid: \(reason)")
            }
        }
    }

    /// The answer is complete: the connection serves again, or ends here.
    @inline(__always)
    private func ended(leftOver: Int) {
        self.receiver = nil
        self.setPaused(false)
        guard leftOver == 0, self.keepsAlive, let lane = self.lane, self.upstream?.isRetired == false else {
            return self.close()
        }
        self.phase = .idle
        self.hasServed = true
        self.idleSince = MonotonicClock.now()
        lane.putIdle(self)
    }

    private func broke(_ detail: String) {
        let receiver = self.receiver
        self.receiver = nil
        self.close()
        receiver?.failed(UpstreamEnd(.brokenAnswer, detail))
    }
}
