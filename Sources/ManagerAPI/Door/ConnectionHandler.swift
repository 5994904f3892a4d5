internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import NIOHTTP1
internal import Registry

/// The shell of a `ConnectionMachine`: sits behind the HTTP codec, in front of Hummingbird.
///
/// It notices ends of answers, sends `100 Continue`, answers bytes that are no HTTP, and closes so that the last answer
/// arrives: a socket closed with unread bytes takes back what it sent, so it first closes its own half and lets the
/// caller go, for as long as `lingerMax`.
///
/// Confined to its channel's event loop.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private static let lingerMax = TimeAmount.seconds(2)

    private let bodyBytesMax: Int
    private let headMax: TimeAmount
    private let stallMax: TimeAmount
    private let caller: CallerPresence
    private let replicaID: String
    private let responseEnded: @Sendable () -> Void
    private var machine = ConnectionMachine()
    private var endsUnflushed = 0
    private var lingers = false
    /// Nothing is read any more: what came cannot be understood, or its caller wants no second answer.
    private var isDeaf = false
    /// The request read last is the connection's last one: it says so, or is of HTTP/1.0.
    private var isLast = false
    private var isOld = false
    /// Runs while a body is awaited. The door before this one watches connections on which nothing is asked.
    private var stallTimer: Scheduled<Void>?
    /// Runs from the first bytes of a head until it is complete; more bytes do not lengthen it. A head whose first bytes
    /// come in one read with the end of the request before it is noticed with its second ones.
    private var headTimer: Scheduled<Void>?
    private var isInRequest = false
    private var sawBytes = false
    private var sawPart = false
    private let now: @Sendable () -> Timestamp

    init(
        bodyBytesMax: Int,
        headMax: TimeAmount,
        stallMax: TimeAmount,
        caller: CallerPresence,
        replicaID: String,
        now: @escaping @Sendable () -> Timestamp,
        responseEnded: @escaping @Sendable () -> Void
    ) {
        self.bodyBytesMax = bodyBytesMax
        self.headMax = headMax
        self.now = now
        self.stallMax = stallMax
        self.caller = caller
        self.replicaID = replicaID
        self.responseEnded = responseEnded
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.lingers, !self.isDeaf else { return }
        self.sawPart = true
        switch self.unwrapInboundIn(data) {
        case .head(let head): return self.take(head, context)
        case .body: self.awaitBody(context)
        case .end:
            self.isInRequest = false
            self.isDeaf = self.isLast
            self.stallTimer?.cancel()
        }
        context.fireChannelRead(data)
    }

    private func take(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        self.stopHeadTimer()
        guard head.isWellFramed else {
            self.isDeaf = true
            return self.run(self.machine.unreadable(.unreadable), context)
        }
        var head = head
        self.isInRequest = true
        self.isOld = head.version != .http1_1
        self.isLast = self.isOld || head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "close" }
        if self.isLast { head.headers.replaceOrAdd(name: "connection", value: "close") }
        let expects = !self.isOld && head.headers["expect"].contains { $0.lowercased() == "100-continue" }
        let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
        self.run(self.machine.requestHead(expectsContinue: expects && length <= self.bodyBytesMax), context)
        self.awaitBody(context)
        context.fireChannelRead(self.wrapInboundOut(.head(head)))
    }

    /// Told by the watch in front of the decoder.
    func bytesCame() { self.sawBytes = true }

    func channelReadComplete(context: ChannelHandlerContext) {
        if self.sawBytes, !self.sawPart, !self.isInRequest, !self.lingers { self.startHeadTimer(context) }
        self.sawBytes = false
        self.sawPart = false
        context.fireChannelReadComplete()
    }

    private func startHeadTimer(_ context: ChannelHandlerContext) {
        guard self.headTimer == nil else { return }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        self.headTimer = context.eventLoop.scheduleTask(in: self.headMax) {
            let (handler, context) = bound.value
            handler.headTimer = nil
            // While an answer is under way the time of the next head has not begun.
            if handler.machine.owesAnswer { return handler.startHeadTimer(context) }
            handler.run(handler.machine.unreadable(.headTimedOut), context)
        }
    }

    private func stopHeadTimer() {
        self.headTimer?.cancel()
        self.headTimer = nil
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch self.unwrapOutboundIn(data) {
        case .head(var head) where head.status.code >= 200:
            if self.isLast, self.machine.answersLast { head.end(asOld: self.isOld) }
            self.machine.responseHead(closes: head.headers[canonicalForm: "connection"].contains { $0 == "close" })
            return context.write(self.wrapOutboundOut(.head(head)), promise: promise)
        case .end: self.endsUnflushed += 1
        case .head, .body: break
        }
        context.write(data, promise: promise)
    }

    func flush(context: ChannelHandlerContext) {
        context.flush()
        while self.endsUnflushed > 0 {
            self.endsUnflushed -= 1
            self.run(self.machine.responseEnded(), context)
        }
    }

    /// What the decoder says of bytes behind those that it gave up on is of no interest.
    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !self.isDeaf, !self.lingers else { return }
        guard let error = error as? HTTPParserError else { return context.fireErrorCaught(error) }
        self.isDeaf = true
        let refusal = error == .headerOverflow ? ConnectionMachine.Refusal.headersTooLarge : .unreadable
        self.run(self.machine.unreadable(refusal, inRequest: self.isInRequest), context)
    }

    /// A caller who closes his side while his request runs has left, as on the fast path.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if let event = event as? ChannelEvent, event == .inputClosed {
            self.stopHeadTimer()
            self.caller.leave()
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.callerLeft()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) { self.callerLeft() }

    private func callerLeft() {
        self.stallTimer?.cancel()
        self.stopHeadTimer()
        self.caller.leave()
    }

    private func awaitBody(_ context: ChannelHandlerContext) {
        self.stallTimer?.cancel()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        self.stallTimer = context.eventLoop.scheduleTask(in: self.stallMax) {
            let (handler, context) = bound.value
            handler.isDeaf = true
            handler.run(handler.machine.unreadable(.bodyTimedOut, inRequest: true), context)
        }
    }

    private func run(_ action: ConnectionMachine.Action, _ context: ChannelHandlerContext) {
        if action.writesContinue {
            let head = HTTPResponseHead(version: .http1_1, status: .continue)
            context.writeAndFlush(self.wrapOutboundOut(.head(head)), promise: nil)
        }
        // Of a connection that closes nobody shall read a further request.
        if action.tellsResponseEnded, !action.closes { self.responseEnded() }
        if let refusal = action.refusal { self.refuse(refusal, context) }
        if action.closes { self.closeLingering(context) }
    }

    private func refuse(_ refusal: ConnectionMachine.Refusal, _ context: ChannelHandlerContext) {
        let problem =
            switch refusal {
            case .unreadable: Problem(.invalidRequest, "the request is not well-formed HTTP/1.1")
            case .headersTooLarge: Problem(.headersTooLarge, "the request's head is too large")
            case .headTimedOut: Problem(.requestTimeout, "the head of the request did not arrive in time")
            case .bodyTimedOut: Problem(.requestTimeout, "the body of the request stalled")
            }
        let requestID = RequestIDRule.keepOrMake(nil)
        let answer = ProblemAnswer(problem)
        let body = answer.body(requestID: requestID)
        let headers: HTTPHeaders = [
            "content-type": "application/json", "content-length": String(body.readableBytes), "connection": "close",
            "x-mm-error-code": problem.code.rawValue, "x-request-id": requestID, "x-mm-replica": self.replicaID,
            "date": self.now().httpDate,
        ]
        let status = HTTPResponseStatus(statusCode: problem.code.status)
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        context.write(self.wrapOutboundOut(.head(head)), promise: nil)
        context.write(self.wrapOutboundOut(.body(.byteBuffer(body))), promise: nil)
        context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
    }

    private func closeLingering(_ context: ChannelHandlerContext) {
        self.lingers = true
        self.callerLeft()
        context.close(mode: .output, promise: nil)
        let channel = context.channel
        context.eventLoop.scheduleTask(in: Self.lingerMax) { channel.close(mode: .all, promise: nil) }
    }
}

@available(*, unavailable)
extension ConnectionHandler: Sendable {}
