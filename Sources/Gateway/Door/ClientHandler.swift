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

    private enum State: Equatable {
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
    private let plane: LoopPlane
    private let general: any GeneralDoor
    private let exchange: Exchange
    private var context: ChannelHandlerContext?
    private var state = State.head
    /// Bytes that arrived and could not be used yet.
    private var waiting = ByteBuffer()
    private var output = ByteBuffer()
    private var isTaking = false
    private var hasOpenedGeneral = false
    private var answeredEarly = false
    private var keepsAlive = true
    private var answerIsChunked = false
    private var isReadingPaused = false
    /// False while the caller does not take the answers he has got; then no further request of his is begun.
    private var isWritable = true
    /// When this connection last got on: opened, head begun, body bytes, answer sent. Bounds waiting of every kind.
    private var movedAt = MonotonicClock.now()
    private var isHeadPartial = false
    /// Whether the exchange's image is of the present request.
    private var hasImage = false

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
        self.exchange.cancel()
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

    // MARK: Taking bytes

    private func takeWaiting() {
        var bytes = self.waiting
        self.waiting = ByteBuffer()
        self.take(&bytes)
        if bytes.readableBytes > 0 { self.waiting = bytes }
        self.setReading()
    }

    private func keepWaiting(_ bytes: inout ByteBuffer) {
        guard bytes.readableBytes > 0 else { return }
        self.waiting.clear()
        self.waiting.writeBuffer(&bytes)
        self.setReading()
    }

    /// Uses as much of the bytes as the state allows.
    private func take(_ bytes: inout ByteBuffer) {
        guard !self.isTaking else { return }
        self.isTaking = true
        defer { self.isTaking = false }
        var hasPassed = false
        while bytes.readableBytes > 0 {
            switch self.state {
            case .head where !self.isWritable: return self.passedOn(hasPassed)
            case .head:
                guard self.takeHead(&bytes) else { return self.passedOn(hasPassed) }
            case .body(let left): self.takeBody(&bytes, left: left)
            case .passing(let left):
                self.pass(&bytes, left: left)
                hasPassed = true
            case .general:
                self.movedAt = MonotonicClock.now()
                self.context?.fireChannelRead(self.wrapInboundOut(bytes))
                bytes.moveReaderIndex(to: bytes.writerIndex)
                hasPassed = true
            case .lingering, .closed: bytes.moveReaderIndex(to: bytes.writerIndex)
            case .exchanging, .opening, .awaitingGeneral: return self.passedOn(hasPassed)
            }
        }
        self.passedOn(hasPassed)
    }

    /// The general path acts on what it was handed only when it is told that there is no more for now.
    private func passedOn(_ hasPassed: Bool) {
        if hasPassed { self.context?.fireChannelReadComplete() }
    }

    /// False: the head is not complete yet.
    private func takeHead(_ bytes: inout ByteBuffer) -> Bool {
        let result = bytes.withUnsafeReadableBytes { RequestHead.parse($0, limits: self.plane.headLimits) }
        switch result {
        case .incomplete:
            if !self.isHeadPartial {
                self.isHeadPartial = true
                self.movedAt = MonotonicClock.now()
            }
            return false
        case .head(let head):
            self.isHeadPartial = false
            self.hasImage = false
            self.takeRequest(head, &bytes)
        case .unusual: self.open(passing: 0, isForGood: true)
        case .tooLarge:
            self.refuse(Problem(.headersTooLarge, "the head of the request is too large"))
            return false
        }
        return true
    }

    private func takeRequest(_ head: RequestHead, _ bytes: inout ByteBuffer) {
        guard head.contentLength <= self.plane.settings.bodyBytesMax else {
            let problem = Problem(
                .payloadTooLarge,
                "the body is larger than \(self.plane.settings.bodyBytesMax) bytes"
            )
            return self.refuse(problem)
        }
        self.plane.refresh()
        guard bytes.withUnsafeReadableBytes({ self.isFast(head, $0) }) else {
            self.plane.counts.generalRequests += 1
            return self.open(passing: head.headBytes + max(0, head.contentLength), isForGood: false)
        }
        self.plane.counts.fastRequests += 1
        self.keepsAlive = head.keepsAlive
        let problem = bytes.withUnsafeReadableBytes { self.beginImage(head, $0) }
        bytes.moveReaderIndex(forwardBy: head.headBytes)
        self.state = .body(left: max(0, head.contentLength))
        if let problem { return self.refuse(problem) }
        self.hasImage = true
        self.takeBody(&bytes, left: max(0, head.contentLength))
    }

    private func isFast(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard head.method == .post, head.contentLength >= 0, head.target.count == 8,
            HeaderBytes.isExactly(bytes, head.target, "/predict")
        else { return false }
        guard head.epoch.isPresent else { return true }
        let asked = HeaderBytes.decimal(bytes, head.epoch)
        return asked >= 0 && Int64(asked) <= self.plane.table.snapshot.epoch.rawValue
    }

    private func beginImage(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer) -> Problem? {
        do throws(Problem) {
            self.exchange.options = try ExchangeOptions(head, bytes)
            try self.exchange.image.begin(head, bytes, plane: self.plane)
            guard MediaType.isJSON(head.contentType, bytes) else {
                return Problem(.unsupportedMediaType, "the body must be application/json")
            }
            return nil
        } catch {
            return error
        }
    }

    private func takeBody(_ bytes: inout ByteBuffer, left: Int) {
        let count = min(left, bytes.readableBytes)
        if count > 0 {
            bytes.withUnsafeReadableBytes {
                self.exchange.image.append(UnsafeRawBufferPointer(rebasing: $0[..<count]))
            }
            bytes.moveReaderIndex(forwardBy: count)
        }
        guard count == left else {
            self.state = .body(left: left - count)
            self.movedAt = MonotonicClock.now()
            return
        }
        self.startExchange()
    }

    private func startExchange() {
        self.state = .exchanging
        let table = self.plane.table
        do throws(Refusal) {
            let pool = try self.exchange.image.withBody { body throws(Refusal) in
                try RequestPlan.pool(for: body, .prediction, in: table)
            }
            self.exchange.begin(pool, sink: self, now: MonotonicClock.now())
        } catch {
            self.answerRefusal(error)
            self.exchangeEnded()
        }
    }

    // MARK: The general path

    /// Sets the general path up behind this handler if need be, then hands it bytes.
    private func open(passing count: Int, isForGood: Bool) {
        guard let context = self.context else { return }
        if self.hasOpenedGeneral { return self.opened(passing: count, isForGood: isForGood) }
        self.hasOpenedGeneral = true
        self.state = .opening(passing: count, isForGood: isForGood)
        self.general.open(behind: context.channel) { [weak self] in self?.generalAnswered() }
            .whenComplete { result in
                guard case .success = result else { return self.close() }
                self.opened(passing: count, isForGood: isForGood)
                self.takeWaiting()
            }
    }

    private func opened(passing count: Int, isForGood: Bool) {
        guard self.state != .closed else { return }
        self.answeredEarly = false
        self.state = isForGood ? .general : .passing(left: count)
    }

    private func pass(_ bytes: inout ByteBuffer, left: Int) {
        let count = min(left, bytes.readableBytes)
        guard let part = bytes.readSlice(length: count) else { return }
        self.state = count == left ? .awaitingGeneral : .passing(left: left - count)
        self.movedAt = MonotonicClock.now()
        self.context?.fireChannelRead(self.wrapInboundOut(part))
        if count == left, self.answeredEarly { self.state = .head }
    }

    /// The general path has flushed the answer to a request.
    private func generalAnswered() {
        switch self.state {
        case .awaitingGeneral:
            self.state = .head
            self.movedAt = MonotonicClock.now()
            self.takeWaiting()
        case .passing: self.answeredEarly = true
        case .head, .body, .exchanging, .opening, .general, .lingering, .closed: break
        }
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
    private func beginOutput(
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

    private func flushOutput() {
        self.context?.writeAndFlush(self.wrapOutboundOut(self.output), promise: nil)
    }

    // MARK: Problems

    /// A problem found before an exchange began, after which the connection serves on.
    private func answerRefusal(_ refusal: Refusal) {
        self.plane.counts.requests += 1
        self.plane.counts.failures += 1
        self.plane.counts.answered(status: refusal.problem.code.status)
        self.plane.counts.problems[refusal.problem.code, default: 0] += 1
        self.writeProblem(refusal, attempts: 0)
    }

    /// A problem after which no further request can be found on this connection.
    private func refuse(_ problem: Problem) {
        self.keepsAlive = false
        self.answerRefusal(Refusal(problem))
        self.linger()
    }

    private func writeProblem(_ refusal: Refusal, attempts: Int) {
        let problem = refusal.problem
        let requestID = self.hasImage ? self.exchange.image.requestIDText : self.plane.makeRequestID()
        let body = ProblemBody.render(problem, faults: refusal.faults, requestID: requestID)
        var head = "HTTP/1.1 \(problem.code.status) \(ReasonPhrase.of(problem.code.status))\r\n"
        head += "content-type: \(ProblemBody.contentType)\r\ncontent-length: \(body.readableBytes)\r\n"
        head += "x-mm-error-code: \(problem.code.rawValue)\r\nx-request-id: \(requestID)\r\n"
        head += "x-mm-attempts: \(attempts)\r\nx-mm-replica: \(self.plane.settings.replicaID)\r\n"
        if let seconds = problem.retryAfter { head += "retry-after: \(seconds)\r\n" }
        if let stale = self.plane.common.staleSeconds(now: MonotonicClock.now()) { head += "x-mm-stale: \(stale)\r\n" }
        if !self.keepsAlive || self.plane.common.isDraining { head += "connection: close\r\n" }
        self.output.clear()
        self.output.writeString(head + "\r\n")
        self.output.writeImmutableBuffer(body)
        self.flushOutput()
    }

    // MARK: Closing

    private func close() {
        self.exchange.cancel()
        self.state = .closed
        self.context?.close(promise: nil)
    }

    /// Everything written so far goes out first.
    private func closeAfterFlush() {
        guard let context = self.context else { return }
        self.state = .closed
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer())).assumeIsolated()
            .whenComplete { _ in context.close(promise: nil) }
    }

    private func linger() {
        guard let context = self.context else { return }
        self.state = .lingering(until: MonotonicClock.now() + Self.lingerTime)
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer())).assumeIsolated()
            .whenComplete { _ in context.close(mode: .output, promise: nil) }
    }

    // MARK: Time

    /// Called about every second.
    func sweep(now: Instant) {
        let waited = now - self.movedAt
        switch self.state {
        case .head where self.isHeadPartial:
            guard waited > self.plane.settings.headTimeout else { return }
            self.refuse(Problem(.requestTimeout, "the head of the request did not arrive in time"))
        case .head where waited > self.plane.settings.idleTimeout: self.close()
        case .body where waited > self.plane.settings.idleTimeout:
            self.refuse(Problem(.requestTimeout, "the body of the request stalled"))
        case .passing where waited > self.plane.settings.idleTimeout: self.close()
        case .general where waited > self.plane.settings.idleTimeout:
            // Closes now when nothing is asked, else after the answer that is under way.
            self.context?.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        case .lingering(let until) where until <= now: self.close()
        case .head, .body, .exchanging, .opening, .passing, .awaitingGeneral, .general, .lingering, .closed: break
        }
    }

    /// The listener has closed: an idle connection ends, a busy one after its answer.
    func quiesce() {
        switch self.state {
        case .head where !self.hasOpenedGeneral: self.close()
        case .head, .awaitingGeneral, .passing, .opening, .general:
            self.context?.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        case .body, .exchanging, .lingering, .closed: break
        }
    }

    /// The grace is over. True if that cut a request.
    func cut() -> Bool {
        defer { self.close() }
        return self.isBusy
    }

    /// Whether a request is under way, as far as the door can tell.
    var isBusy: Bool {
        switch self.state {
        case .head, .lingering, .closed: false
        case .body, .exchanging, .opening, .passing, .awaitingGeneral, .general: true
        }
    }

    private func setReading() {
        let isPaused = self.waiting.readableBytes > Self.waitingBytesMax
        guard isPaused != self.isReadingPaused, let channel = self.context?.channel else { return }
        self.isReadingPaused = isPaused
        try? channel.syncOptions?.setOption(.autoRead, value: !isPaused)
        if !isPaused { channel.read() }
    }
}
