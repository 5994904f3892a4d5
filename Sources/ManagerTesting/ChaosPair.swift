import NIOCore

/// The two halves of one connection through a `ChaosProxy`, both on one event loop.
///
/// Confined to that loop (hence `@unchecked Sendable`): what comes from elsewhere is sent there first.
final class ChaosPair: @unchecked Sendable {
    private let caller: any Channel
    private let server: any Channel
    private let proxy: ChaosProxy
    private var isHalfOpen = false
    /// What the gate has not taken yet.
    private var said = ByteBuffer()
    /// No piece overtakes an earlier one when the delay is taken back.
    private var lastDue = NIODeadline.uptimeNanoseconds(0)

    init(caller: any Channel, server: any Channel, proxy: ChaosProxy) {
        self.caller = caller
        self.server = server
        self.proxy = proxy
    }

    func begin() -> EventLoopFuture<Void> {
        let (caller, server) = (self.caller, self.server)
        let toServer = ChaosHandler { [weak self] in
            self?.passRequest($0)
        } onEnd: { [weak self] in
            self?.close()
        }
        let toCaller = ChaosHandler { [weak self] in
            self?.passReply($0)
        } onEnd: {
            [weak self] in
            self?.serverEnded()
        }
        return caller.pipeline.addHandler(toServer).flatMap { server.pipeline.addHandler(toCaller) }.map {
            self.applyMode()
        }
    }

    func modeChanged() {
        self.caller.eventLoop.execute { self.applyMode() }
    }

    func close() {
        self.caller.eventLoop.execute {
            self.proxy.forget(self)
            self.server.close(promise: nil)
            self.caller.close(promise: nil)
        }
    }

    func halfOpen() {
        self.caller.eventLoop.execute {
            self.isHalfOpen = true
            self.server.close(promise: nil)
        }
    }

    private func applyMode() {
        let isReading = self.isHalfOpen || self.proxy.mode != .blackhole
        for channel in [self.caller, self.server] {
            // Also for a caller that is only now being accepted: a `read()` before that would be its last.
            _ = channel.setOption(.autoRead, value: isReading)
        }
    }

    private func serverEnded() {
        if !self.isHalfOpen { self.close() }
    }

    private func passRequest(_ bytes: ByteBuffer) {
        guard let gate = self.proxy.gate else { return self.pass(bytes, to: self.server) }
        guard !self.isHalfOpen else { return }
        self.said.writeImmutableBuffer(bytes)
        let (onward, ends) = gate.pass(&self.said)
        guard ends else { return self.pass(onward, to: self.server) }
        // The server gets what goes on, and nobody hears what it says to that.
        self.isHalfOpen = true
        self.server.writeAndFlush(onward).whenComplete { _ in self.close() }
    }

    private func passReply(_ bytes: ByteBuffer) {
        switch self.proxy.mode {
        case .garbled:
            self.pass(ByteBuffer(repeating: UInt8(ascii: "%"), count: bytes.readableBytes), to: self.caller)
        case .halved:
            self.pass(ByteBuffer(bytes.readableBytesView.prefix(bytes.readableBytes / 2)), to: self.caller)
            self.close()
        case .passing, .delayed, .blackhole, .refusing:
            self.pass(bytes, to: self.caller)
        }
    }

    private func pass(_ bytes: ByteBuffer, to channel: any Channel) {
        guard !self.isHalfOpen else { return }
        var delay = TimeAmount.zero
        if case .delayed(let duration) = self.proxy.mode { delay = TimeAmount(duration) }
        let due = max(self.lastDue, .now() + delay)
        self.lastDue = due
        guard due > .now() else { return channel.writeAndFlush(bytes, promise: nil) }
        channel.eventLoop.scheduleTask(deadline: due) { channel.writeAndFlush(bytes, promise: nil) }
    }
}

/// Hands on what one side of a pair receives; on the pair's event loop.
private final class ChaosHandler: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer

    private let onBytes: (ByteBuffer) -> Void
    private let onEnd: () -> Void

    init(onBytes: @escaping (ByteBuffer) -> Void, onEnd: @escaping () -> Void) {
        self.onBytes = onBytes
        self.onEnd = onEnd
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.onBytes(self.unwrapInboundIn(data))
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.onEnd()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
