internal import NIOCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// One connection of a stub: gathers a request, then walks through the script's steps. Confined to its event loop.
final class StubConnection: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let record: StubRecord
    private let script: StubUpstream.Script
    private var received = ByteBuffer()
    private var isWalking = false

    init(record: StubRecord, script: @escaping StubUpstream.Script) {
        self.record = record
        self.script = script
    }

    func channelActive(context: ChannelHandlerContext) {
        self.record.opened(context.channel)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.record.closed(context.channel)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = self.unwrapInboundIn(data)
        self.received.writeBuffer(&bytes)
        self.takeRequest(context.channel)
    }

    private func takeRequest(_ channel: any Channel) {
        guard !self.isWalking, let length = self.requestBytes,
            let bytes = self.received.readSlice(length: length)
        else { return }
        let request = String(buffer: bytes)
        let number = self.record.received(request)
        self.isWalking = true
        self.walk(self.script(number, request)[...], channel)
    }

    /// Nil while the request is incomplete.
    private var requestBytes: Int? {
        let view = self.received.readableBytesView
        let separator = Array("\r\n\r\n".utf8)
        guard view.count >= 4 else { return nil }
        for start in view.startIndex...(view.endIndex - 4) where view[start..<(start + 4)].elementsEqual(separator) {
            let head = String(decoding: view[..<start], as: UTF8.self)
            let length = head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
                .flatMap { Int($0.dropFirst(15).drop { $0 == " " }) }
            let total = start - view.startIndex + 4 + (length ?? 0)
            return total <= view.count ? total : nil
        }
        return nil
    }

    private func walk(_ steps: ArraySlice<StubUpstream.Step>, _ channel: any Channel) {
        guard let step = steps.first else { return }
        let rest = steps.dropFirst()
        switch step {
        case .send(let text): self.send(ByteBuffer(string: text), rest, channel)
        case .sendBytes(let bytes): self.send(ByteBuffer(bytes: bytes), rest, channel)
        case .pause(let time):
            let (seconds, attoseconds) = time.components
            let nanoseconds = seconds * 1_000_000_000 + attoseconds / 1_000_000_000
            channel.eventLoop.scheduleTask(in: .nanoseconds(nanoseconds)) { self.walk(rest, channel) }
        case .hold:
            let promise = channel.eventLoop.makePromise(of: Void.self)
            promise.futureResult.whenComplete { _ in self.walk(rest, channel) }
            self.record.hold(promise)
        case .close: channel.close(promise: nil)
        case .reset: Self.reset(channel)
        case .tell(let act):
            act()
            self.walk(rest, channel)
        case .next:
            self.isWalking = false
            self.takeRequest(channel)
        }
    }

    /// The next step follows when the bytes are with the kernel, so that a reset does not overtake them here.
    private func send(_ bytes: ByteBuffer, _ rest: ArraySlice<StubUpstream.Step>, _ channel: any Channel) {
        channel.writeAndFlush(bytes).whenComplete { _ in
            self.record.sent(bytes.readableBytes)
            self.walk(rest, channel)
        }
    }

    static func reset(_ channel: any Channel) {
        guard let options = channel as? any SocketOptionProvider else { return channel.close(promise: nil) }
        options.setSoLinger(linger(l_onoff: 1, l_linger: 0)).whenComplete { _ in channel.close(promise: nil) }
    }
}
