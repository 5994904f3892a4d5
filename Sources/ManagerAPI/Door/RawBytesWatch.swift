internal import NIOCore

/// Stands in front of the HTTP decoder and tells that bytes came; the `ConnectionHandler` behind the decoder then knows
/// whether they made a part of a request, or are the beginning of a head.
///
/// Confined to its channel's event loop.
final class RawBytesWatch: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let bytesCame: () -> Void

    init(bytesCame: @escaping () -> Void) {
        self.bytesCame = bytesCame
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.bytesCame()
        context.fireChannelRead(data)
    }
}

@available(*, unavailable)
extension RawBytesWatch: Sendable {}
