import NIOCore

/// Listens to one sentinel: asks once who is the primary, then hears when that changes.
///
/// Asking first closes the gap between two watches: what was said while nobody listened is in the answer. A sentinel
/// that says nothing for two intervals, although it was asked for a sign of life, is left.
/// Confined to the event loop of its channel (hence `@unchecked Sendable`: only that loop ever touches it).
final class SentinelWatchHandler: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let question: SentinelQuestion
    private let decoder = ReplyDecoder(limits: ReplyLimits(replyBytesMax: 1 << 20, elementsMax: 10_000))
    private let heard: @Sendable (RedisAddress.SentinelHost, _ configEpoch: Int64?) -> Void
    private var replies: [RedisValue] = []
    private var isAnswered = false
    private var beat: RepeatedTask?
    private var silentBeats = 0

    private static let beatInterval = TimeAmount.seconds(2)
    private static let silentBeatsMax = 2

    init(
        question: SentinelQuestion,
        heard: @escaping @Sendable (RedisAddress.SentinelHost, _ configEpoch: Int64?) -> Void
    ) {
        self.question = question
        self.heard = heard
    }

    func channelActive(context: ChannelHandlerContext) {
        self.send(self.question.commands + [["SUBSCRIBE", "+switch-master"]], context)
        let (loop, channel) = (context.eventLoop, context.channel)
        self.beat = loop.scheduleRepeatedTask(initialDelay: Self.beatInterval, delay: Self.beatInterval) {
            [weak self] _ in self?.beat(channel)
        }
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.beat?.cancel()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.silentBeats = 0
        self.decoder.feed(self.unwrapInboundIn(data))
        do throws(RedisError) {
            while let reply = try self.decoder.next() { try self.received(reply) }
        } catch {
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    private func received(_ reply: RedisValue) throws(RedisError) {
        guard self.isAnswered else { return try self.receivedAnswer(reply) }
        if case .error(let text) = reply { throw RedisError(reply: text) }
        let words = (reply.array ?? []).compactMap(\.string)
        guard words.count == 3, words[0] == "message", let server = self.question.newPrimary(in: words[2]) else {
            return
        }
        self.heard(server, nil)
    }

    private func receivedAnswer(_ reply: RedisValue) throws(RedisError) {
        self.replies.append(reply)
        guard self.replies.count == self.question.commands.count else { return }
        self.isAnswered = true
        let answer = try self.question.answer(self.replies)
        self.replies = []
        self.heard(answer.primary, answer.configEpoch)
    }

    private func beat(_ channel: any Channel) {
        self.silentBeats += 1
        guard self.silentBeats <= Self.silentBeatsMax else { return channel.close(promise: nil) }
        channel.writeAndFlush(CommandEncoder.encode([["PING"]]), promise: nil)
    }

    private func send(_ commands: [[RedisWord]], _ context: ChannelHandlerContext) {
        context.writeAndFlush(self.wrapOutboundOut(CommandEncoder.encode(commands)), promise: nil)
    }
}
