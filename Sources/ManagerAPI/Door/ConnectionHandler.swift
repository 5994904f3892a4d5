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
    private let caller: CallerPresence
    private let replicaID: String
    private let responseEnded: @Sendable () -> Void
    private var machine = ConnectionMachine()
    private var endsUnflushed = 0
    private var lingers = false

    init(
        bodyBytesMax: Int,
        caller: CallerPresence,
        replicaID: String,
        responseEnded: @escaping @Sendable () -> Void
    ) {
        self.bodyBytesMax = bodyBytesMax
        self.caller = caller
        self.replicaID = replicaID
        self.responseEnded = responseEnded
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.lingers else { return }
        if case .head(let head) = self.unwrapInboundIn(data) {
            let expects = head.headers["expect"].contains { $0.lowercased() == "100-continue" }
            let length = head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0
            let action = self.machine.requestHead(expectsContinue: expects && length <= self.bodyBytesMax)
            self.run(action, context)
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch self.unwrapOutboundIn(data) {
        case .head(let head) where head.status.code >= 200:
            self.machine.responseHead(closes: head.headers[canonicalForm: "connection"].contains { $0 == "close" })
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

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case HTTPParserError.headerOverflow: self.run(self.machine.unreadable(.headersTooLarge), context)
        case is HTTPParserError: self.run(self.machine.unreadable(.unreadable), context)
        default: context.fireErrorCaught(error)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.caller.leave()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.caller.leave()
    }

    private func run(_ action: ConnectionMachine.Action, _ context: ChannelHandlerContext) {
        if action.writesContinue {
            let head = HTTPResponseHead(version: .http1_1, status: .continue)
            context.writeAndFlush(self.wrapOutboundOut(.head(head)), promise: nil)
        }
        if action.tellsResponseEnded { self.responseEnded() }
        if let refusal = action.refusal { self.refuse(refusal, context) }
        if action.closes { self.closeLingering(context) }
    }

    private func refuse(_ refusal: ConnectionMachine.Refusal, _ context: ChannelHandlerContext) {
        let problem =
            switch refusal {
            case .unreadable: Problem(.invalidRequest, "the request is not well-formed HTTP/1.1")
            case .headersTooLarge: Problem(.headersTooLarge, "the request's head is too large")
            }
        let requestID = RequestIDRule.keepOrMake(nil)
        let answer = ProblemAnswer(problem)
        let body = answer.body(requestID: requestID).serialized()
        let headers: HTTPHeaders = [
            "content-type": "application/json", "content-length": String(body.utf8.count), "connection": "close",
            "x-mm-error-code": problem.code.rawValue, "x-request-id": requestID, "x-mm-replica": self.replicaID,
        ]
        let status = HTTPResponseStatus(statusCode: problem.code.status)
        let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
        context.write(self.wrapOutboundOut(.head(head)), promise: nil)
        context.write(self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: body)))), promise: nil)
        context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
        self.responseEnded()
    }

    private func closeLingering(_ context: ChannelHandlerContext) {
        self.lingers = true
        self.caller.leave()
        context.close(mode: .output, promise: nil)
        let channel = context.channel
        context.eventLoop.scheduleTask(in: Self.lingerMax) { channel.close(mode: .all, promise: nil) }
    }
}

@available(*, unavailable)
extension ConnectionHandler: Sendable {}
