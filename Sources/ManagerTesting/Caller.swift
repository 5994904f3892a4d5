public import NIOCore
internal import NIOPosix
internal import Synchronization

/// A caller in bytes: sends what it is told, cut as it is told, and shows every byte that came back.
public final class Caller: Sendable {
    public struct TimedOut: Error, CustomStringConvertible {
        public let description: String
    }

    private struct State {
        var received = ""
        var bytes = 0
        var isClosed = false
    }

    private final class Ear: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let state: Mutex<State>
        let keepsText: Bool

        init(keepsText: Bool) {
            self.state = Mutex(State())
            self.keepsText = keepsText
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = self.unwrapInboundIn(data)
            self.state.withLock {
                $0.bytes += bytes.readableBytes
                if self.keepsText { $0.received += String(buffer: bytes) }
            }
        }

        func channelInactive(context: ChannelHandlerContext) { self.state.withLock { $0.isClosed = true } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    public let channel: any Channel
    private let ear: Ear

    private init(channel: any Channel, ear: Ear) {
        self.channel = channel
        self.ear = ear
    }

    public static func connect(host: String = "127.0.0.1", port: Int, reads: Bool = true, keepsText: Bool = true)
        async throws -> Caller
    {
        let ear = Ear(keepsText: keepsText)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(ChannelOptions.autoRead, value: reads)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(ear) }
            }
            .connect(host: host, port: port).get()
        return Caller(channel: channel, ear: ear)
    }

    public func send(_ text: String) async throws {
        try await self.channel.writeAndFlush(ByteBuffer(string: text)).get()
    }
    public func send(_ bytes: [UInt8]) async throws {
        try await self.channel.writeAndFlush(ByteBuffer(bytes: bytes)).get()
    }
    /// Does not wait until the bytes are gone.
    public func push(_ bytes: ByteBuffer) { self.channel.writeAndFlush(bytes, promise: nil) }
    public func startReading() async throws { try await self.channel.setOption(.autoRead, value: true).get() }
    public func close() async { try? await self.channel.close() }

    public var received: String { self.ear.state.withLock { $0.received } }
    public var receivedBytes: Int { self.ear.state.withLock { $0.bytes } }
    public var isClosed: Bool { self.ear.state.withLock { $0.isClosed } }

    /// Waits until what came satisfies the condition, as patiently as `eventually`.
    @discardableResult
    public func until(_ what: String, within limit: Duration = .seconds(10), _ holds: (String) -> Bool) async throws
        -> String
    {
        let end = ContinuousClock.now + max(limit, Patience.min)
        while ContinuousClock.now < end {
            let received = self.received
            if holds(received) { return received }
            try await Task.sleep(for: .milliseconds(2))
        }
        throw TimedOut(description: "waited for \(what), got: \(self.received.debugDescription)")
    }

    /// The answers that are complete by their Content-Length or last chunk, once there are so many.
    @discardableResult
    public func answers(_ count: Int, within limit: Duration = .seconds(10)) async throws -> [CallerAnswer] {
        try await self.until("\(count) answers", within: limit) { CallerAnswer.all(in: $0).count >= count }
        return CallerAnswer.all(in: self.received)
    }

    public func answer(within limit: Duration = .seconds(10)) async throws -> CallerAnswer {
        try await self.answers(1, within: limit)[0]
    }

    public func untilClosed(within limit: Duration = .seconds(10)) async throws {
        try await self.until("the end of the connection", within: limit) { _ in self.isClosed }
    }
}
