internal import Decisions
internal import NIOCore
internal import Registry

/// The door: first and usually only handler of an accepted connection. Serves `POST /predict` of the common form by
/// itself and leaves everything else to the general path, byte for byte.
///
/// Intuition: a doorman who knows one kind of visitor very well and sends all others to the reception. A request that
/// he understands but does not serve (`GET /health`) goes there alone, and he looks at the next one when it is answered;
/// one that he does not understand takes its connection along for good, because two parsers on one connection that
/// disagree on where a request ends are how requests are smuggled.
/// The hard case is pipelining: bytes of later requests wait, in order, until the present one is answered.
/// Confined to its event loop (`@unchecked Sendable`).
final class ClientHandler: AnswerSink, ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundOut = ByteBuffer

    enum State: Equatable {
        /// The next byte begins a request, or goes on with its head.
        case head
        /// The rest of a fast request's body is awaited.
        case body(left: Int)
        /// An exchange is under way.
        case exchanging
        /// The general path is being set up; nothing may pass yet.
        case opening(passing: Int, isForGood: Bool)
        /// The rest of a general request's body goes to the general path.
        case passing(left: Int)
        /// The general path has the whole request and has not answered it yet.
        case awaitingGeneral
        /// The connection is the general path's.
        case general
        /// Answered and half closed: what still comes is dropped, so that the caller gets to read the answer.
        case lingering(until: Instant)
        case closed
    }

    /// Unread bytes of later requests beyond which reading stops.
    static let waitingBytesMax = 64 * 1024
    static let lingerTime = Duration.seconds(2)

    var place = -1
    let plane: LoopPlane
    let general: any GeneralDoor
    let exchange: Exchange
    /// The present request, when it asks several models at once.
    var aggregate: Aggregate?
    /// What the present caller may use, where callers must show who they are; nil: every service.
    var scope: AccessScope?
    var context: ChannelHandlerContext?
    var state = State.head
    /// Bytes that arrived and could not be used yet.
    var waiting = ByteBuffer()
    var output = ByteBuffer()
    var isTaking = false
    var hasOpenedGeneral = false
    var answeredEarly = false
    var keepsAlive = true
    var answerIsChunked = false
    var isReadingPaused = false
    /// False while the caller does not take the answers he has got; then no further request of his is begun.
    var isWritable = true
    /// When this connection last got on: opened, head begun, body bytes, answer sent. Bounds waiting of every kind.
    var movedAt = MonotonicClock.now()
    var isHeadPartial = false
    /// Whether the exchange's image is of the present request.
    var hasImage = false

    init(plane: LoopPlane, general: any GeneralDoor) {
        self.plane = plane
        self.general = general
        self.exchange = Exchange(plane: plane)
    }

    // MARK: From the channel

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        self.plane.joined(self)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.plane.left(self)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = self.unwrapInboundIn(data)
        if self.waiting.readableBytes > 0 {
            self.waiting.writeBuffer(&bytes)
            self.takeWaiting()
        } else {
            self.take(&bytes)
            self.keepWaiting(&bytes)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.cancelRequest()
        self.state = .closed
        self.plane.left(self)
        context.fireChannelInactive()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.isWritable = context.channel.isWritable
        if self.isWritable {
            self.exchange.callerIsReady()
            if self.state == .head, self.waiting.readableBytes > 0 { self.takeWaiting() }
        }
        context.fireChannelWritabilityChanged()
    }

    /// A caller who closes his side while his request runs has left, as nginx and Envoy see it; one who closes it behind
    /// a general request may be waiting for the answer, and the general path knows.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let event = event as? ChannelEvent, event == .inputClosed else {
            return context.fireUserInboundEventTriggered(event)
        }
        switch self.state {
        case .opening, .passing, .awaitingGeneral, .general: context.fireUserInboundEventTriggered(event)
        case .head, .body, .exchanging, .lingering, .closed: self.close()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard self.hasOpenedGeneral else { return context.close(promise: nil) }
        context.fireErrorCaught(error)
    }

    // MARK: Answers

    override func answerWhole(
        _ exchange: Exchange,
        _ head: ResponseHead,
        headBytes: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer
    ) {
        let isFramed: Bool = if case .contentLength = head.framing { true } else { false }
        self.beginOutput(exchange, head, headBytes, body: body) { writer in
            guard !isFramed, head.framing != .none else { return }
            writer.write("content-length: ")
            writer.write(decimal: body.count)
            writer.write("\r\n")
        }
        self.flushOutput()
    }

    override func answerBegan(_ exchange: Exchange, _ head: ResponseHead, headBytes: UnsafeRawBufferPointer) {
        let isFramed: Bool = if case .contentLength = head.framing { true } else { false }
        self.answerIsChunked = !isFramed
        self.beginOutput(exchange, head, headBytes, body: UnsafeRawBufferPointer(start: nil, count: 0)) { writer in
            if !isFramed { writer.write("transfer-encoding: chunked\r\n") }
        }
        guard let context = self.context else { return }
        context.write(self.wrapOutboundOut(self.output), promise: nil)
    }

    override func answerMoved(_ bytes: ByteBuffer) {
        guard let context = self.context else { return }
        if self.answerIsChunked {
            guard bytes.readableBytes > 0 else { return }
            let size = String(bytes.readableBytes, radix: 16)
            context.write(self.wrapOutboundOut(ByteBuffer(string: "\(size)\r\n")), promise: nil)
            context.write(self.wrapOutboundOut(bytes), promise: nil)
            context.write(self.wrapOutboundOut(ByteBuffer(staticString: "\r\n")), promise: nil)
        } else {
            context.write(self.wrapOutboundOut(bytes), promise: nil)
        }
    }

    override func answerPaused() {
        self.context?.flush()
    }

    override func answerEnded() {
        guard let context = self.context else { return }
        if self.answerIsChunked {
            context.write(self.wrapOutboundOut(ByteBuffer(staticString: "0\r\n\r\n")), promise: nil)
        }
        context.flush()
    }

    override func answerBroke() {
        self.context?.flush()
        self.close()
    }

    override func answerProblem(_ exchange: Exchange, _ problem: Problem) {
        self.writeProblem(Refusal(problem), attempts: exchange.attempts)
    }

    override var takesMore: Bool { self.isWritable }

    override func exchangeEnded() {
        guard self.state != .closed else { return }
        guard self.keepsAlive, !self.plane.common.isDraining else { return self.closeAfterFlush() }
        self.state = .head
        self.movedAt = MonotonicClock.now()
        if !self.isTaking, self.waiting.readableBytes > 0 { self.takeWaiting() }
    }

    /// Head and, if it is at hand, body, in one buffer.
    @inline(__always)
    func beginOutput(
        _ exchange: Exchange,
        _ head: ResponseHead,
        _ headBytes: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer,
        framing: (inout ByteWriter) -> Void
    ) {
        let closes = !self.keepsAlive || self.plane.common.isDraining
        let room = head.forwardableBytesMax + AnswerLines.bytesMax(exchange) + body.count
        self.output.clear()
        self.output.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { target in
            var writer = ByteWriter(target)
            writer.write("HTTP/1.1 ")
            writer.write(decimal: head.status)
            writer.write(byte: HeaderBytes.space)
            writer.write(head.reason.bytes(of: headBytes))
            writer.write("\r\n")
            writer.write { head.copyForwardable(of: headBytes, into: $0) }
            AnswerLines.write(exchange, to: &writer, now: nil)
            framing(&writer)
            if closes { writer.write("connection: close\r\n") }
            writer.write("\r\n")
            writer.write(body)
            return writer.count
        }
    }

    func flushOutput() {
        self.context?.writeAndFlush(self.wrapOutboundOut(self.output), promise: nil)
    }
}
