import Gateway
import NIOCore
import NIOHTTP1

/// A general path that answers every request with its method, path and body, so that a test sees what reached it.
struct PlainGeneralDoor: GeneralDoor {
    func open(behind channel: any Channel, responseEnded: @escaping @Sendable () -> Void) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.configureHTTPServerPipeline(withPipeliningAssistance: true)
            try channel.pipeline.syncOperations.addHandler(Answerer(responseEnded: responseEnded))
        }
    }

    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let responseEnded: @Sendable () -> Void
        private var head: HTTPRequestHead?
        private var body = ""

        init(responseEnded: @escaping @Sendable () -> Void) { self.responseEnded = responseEnded }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch self.unwrapInboundIn(data) {
            case .head(let head):
                self.head = head
                self.body = ""
            case .body(let part): self.body += String(buffer: part)
            case .end: self.answer(context)
            }
        }

        private func answer(_ context: ChannelHandlerContext) {
            guard let head = self.head else { return }
            let text = "general \(head.method) \(head.uri) \(self.body)"
            let headers = HTTPHeaders([("content-length", String(text.utf8.count))])
            context.write(
                self.wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .ok, headers: headers))),
                promise: nil
            )
            context.write(self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
            context.writeAndFlush(self.wrapOutboundOut(.end(nil)), promise: nil)
            self.responseEnded()
        }
    }
}
