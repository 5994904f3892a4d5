internal import NIOCore
internal import NIOPosix
internal import Registry

/// Asks the servers of a `ResolverConfiguration` for SRV records: over UDP, and over TCP when the answer was cut off.
///
/// Each server gets a part of the time; the next one is asked when it is silent or cannot tell. A datagram counts only
/// when it comes from the server asked and repeats the random id and the question.
struct DNSClient: Sendable {
    let configuration: ResolverConfiguration
    /// Of the servers; another one only in tests.
    var port = 53
    let group: any EventLoopGroup

    /// The records of the name, as the first of its full names that exists has them. Empty: it exists, without any.
    func targets(of name: String, within limit: Duration) async throws(UpstreamFailure) -> [DNSMessage.Target] {
        let names = self.configuration.candidates(for: name)
        let tries = names.count * self.configuration.servers.count
        let share = TimeAmount.nanoseconds(max(1, limit.inNanoseconds / Int64(max(1, tries))))
        var failure = UpstreamFailure(kind: .resolve, detail: "\(name): no DNS server could tell")
        for name in names {
            for server in self.configuration.servers {
                do throws(UpstreamFailure) {
                    let message = try await self.ask(server, name, within: share)
                    if message.code == 0 { return message.targets }
                    let reason = message.code == 3 ? "no such name" : "code \(message.code)"
                    failure = UpstreamFailure(kind: .resolve, detail: "\(name): \(server) says \(reason)")
                    if message.code == 3 { break }
                } catch {
                    failure = error
                }
            }
        }
        throw failure
    }

    private func ask(_ server: String, _ name: String, within limit: TimeAmount) async throws(UpstreamFailure)
        -> DNSMessage
    {
        let id = UInt16.random(in: .min ... .max)
        guard let question = DNSMessage.question(name, id: id),
            let address = try? SocketAddress(ipAddress: server, port: self.port)
        else { throw UpstreamFailure(kind: .resolve, detail: "\(name) is no name, or \(server) no address") }
        let loop = self.group.next()
        let half = TimeAmount.nanoseconds(limit.nanoseconds / 2)
        do {
            let exchange = DNSExchange(question: question, name: name, id: id, server: address)
            let first = try await exchange.overUDP(on: loop, within: half).get()
            return first.isTruncated ? try await exchange.overTCP(on: loop, within: half).get() : first
        } catch let failure as UpstreamFailure {
            throw failure
        } catch {
            throw UpstreamFailure(kind: .resolve, detail: "\(name): \(server): \(error)")
        }
    }
}

/// One question to one server.
private struct DNSExchange: Sendable {
    let question: [UInt8]
    let name: String
    let id: UInt16
    let server: SocketAddress

    func overUDP(on loop: any EventLoop, within limit: TimeAmount) -> EventLoopFuture<DNSMessage> {
        let promise = loop.makePromise(of: DNSMessage.self)
        let any = self.server.protocol == .inet6 ? "::" : "0.0.0.0"
        let channel = DatagramBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(DatagramAnswer(self, promise))
                }
            }
            .bind(host: any, port: 0)
        channel.whenSuccess { channel in
            let envelope = AddressedEnvelope(remoteAddress: self.server, data: ByteBuffer(bytes: self.question))
            channel.writeAndFlush(envelope).cascadeFailure(to: promise)
        }
        return self.bounded(channel, promise, limit)
    }

    func overTCP(on loop: any EventLoop, within limit: TimeAmount) -> EventLoopFuture<DNSMessage> {
        let promise = loop.makePromise(of: DNSMessage.self)
        let channel = ClientBootstrap(group: loop)
            .connectTimeout(limit)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(StreamAnswer(self, promise))
                }
            }
            .connect(to: self.server)
        channel.whenSuccess { channel in
            var buffer = ByteBuffer(integer: UInt16(self.question.count))
            buffer.writeBytes(self.question)
            channel.writeAndFlush(buffer).cascadeFailure(to: promise)
        }
        return self.bounded(channel, promise, limit)
    }

    func parse(_ bytes: [UInt8]) -> DNSMessage? { DNSMessage(bytes, to: self.name, id: self.id) }

    private func bounded(
        _ channel: EventLoopFuture<any Channel>,
        _ promise: EventLoopPromise<DNSMessage>,
        _ limit: TimeAmount
    ) -> EventLoopFuture<DNSMessage> {
        let silent = UpstreamFailure(kind: .resolve, detail: "\(self.name): no answer from \(self.server)")
        let deadline = channel.eventLoop.scheduleTask(in: limit) { promise.fail(silent) }
        channel.whenFailure { promise.fail($0) }
        promise.futureResult.whenComplete { _ in
            deadline.cancel()
            channel.whenSuccess { $0.close(promise: nil) }
        }
        return promise.futureResult
    }
}

/// Waits for the datagram that answers; all others are dropped.
private final class DatagramAnswer: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let exchange: DNSExchange
    private let promise: EventLoopPromise<DNSMessage>

    init(_ exchange: DNSExchange, _ promise: EventLoopPromise<DNSMessage>) {
        self.exchange = exchange
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = self.unwrapInboundIn(data)
        guard envelope.remoteAddress == self.exchange.server,
            let message = self.exchange.parse(Array(envelope.data.readableBytesView))
        else { return }
        self.promise.succeed(message)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { self.promise.fail(error) }
}

/// Gathers the answer that follows its length.
private final class StreamAnswer: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let exchange: DNSExchange
    private let promise: EventLoopPromise<DNSMessage>
    private var received = ByteBuffer()

    init(_ exchange: DNSExchange, _ promise: EventLoopPromise<DNSMessage>) {
        self.exchange = exchange
        self.promise = promise
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.received.writeImmutableBuffer(self.unwrapInboundIn(data))
        guard let length = self.received.getInteger(at: self.received.readerIndex, as: UInt16.self),
            let bytes = self.received.getBytes(at: self.received.readerIndex + 2, length: Int(length))
        else { return }
        guard let message = self.exchange.parse(bytes) else { return self.fail("an answer that makes no sense") }
        self.promise.succeed(message)
    }

    func channelInactive(context: ChannelHandlerContext) { self.fail("the connection ended") }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { self.promise.fail(error) }

    private func fail(_ reason: String) {
        self.promise.fail(UpstreamFailure(kind: .resolve, detail: "\(self.exchange.name): \(reason)"))
    }
}
