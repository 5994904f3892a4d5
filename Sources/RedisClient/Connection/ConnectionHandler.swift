import NIOCore

/// The shell of one connection: bytes in, bytes out, one timer; every rule is the machine's.
///
/// Confined to the event loop of its channel (hence `@unchecked Sendable`: it is only ever touched there, which
/// `RedisConnection` sees to). Writes of one loop turn are flushed together, which is what makes pipelining cheap.
final class ConnectionHandler: ChannelInboundHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer
    typealias Completion = @Sendable (Result<[RedisValue], RedisError>) -> Void

    private var machine: ConnectionMachine
    private let decoder: ReplyDecoder
    private let heartbeatInterval: TimeAmount
    private let onLatency: @Sendable (Duration) -> Void
    private let closed: EventLoopPromise<RedisError>
    private var context: ChannelHandlerContext?
    private var completions: [ConnectionMachine.RequestID: Completion] = [:]
    private var timer: Scheduled<Void>?
    private var timerInstant = NIODeadline.distantFuture
    private var heartbeat: RepeatedTask?
    private var isFlushScheduled = false
    private var reason: RedisError?

    /// `closed` is fulfilled once, with the reason, after every waiting caller was told.
    init(
        configuration: RedisConfiguration,
        limits: ReplyLimits = ReplyLimits(),
        closed: EventLoopPromise<RedisError>,
        onLatency: @escaping @Sendable (Duration) -> Void = { _ in }
    ) {
        self.machine = ConnectionMachine(
            commandsInFlightMax: configuration.commandsInFlightMax,
            lateReplyMax: TimeAmount(configuration.lateReplyMax)
        )
        self.decoder = ReplyDecoder(limits: limits)
        self.heartbeatInterval = TimeAmount(configuration.heartbeatInterval)
        self.closed = closed
        self.onLatency = onLatency
    }

    // MARK: What callers ask for, on the event loop

    func send(
        _ id: ConnectionMachine.RequestID,
        _ bytes: ByteBuffer,
        commands: Int,
        deadline: NIODeadline,
        completion: @escaping Completion
    ) {
        guard let context else {
            return completion(.failure(self.reason ?? RedisError(.notConnected, "the connection is not open yet")))
        }
        switch self.machine.send(id, commands: commands, deadline: deadline, now: context.eventLoop.now) {
        case .refuse(let error):
            completion(.failure(error))
        case .write(let instant):
            self.completions[id] = completion
            context.write(self.wrapOutboundOut(bytes), promise: nil)
            self.scheduleFlush(context)
            self.scheduleTick(by: instant, context)
        }
    }

    func cancel(_ id: ConnectionMachine.RequestID) {
        guard self.machine.cancel(id) else { return }
        self.complete(id, .failure(RedisError(.cancelled, "the task was cancelled", isOutcomeUnknown: true)))
    }

    /// From now on a connection on which nothing is under way is asked whether it still lives.
    func beginHeartbeat() {
        guard let context else { return }
        self.heartbeat = context.eventLoop.scheduleRepeatedTask(
            initialDelay: self.heartbeatInterval,
            delay: self.heartbeatInterval
        ) { [weak self] _ in self?.beat() }
    }

    /// Ends the connection; callers still waiting are told the reason.
    func end(_ reason: RedisError) {
        guard let context else { return }
        self.finish(reason, context)
    }

    // MARK: What the channel tells

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.finish(RedisError(.connectionLost, "the connection was taken down", isOutcomeUnknown: true), context)
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.decoder.feed(self.unwrapInboundIn(data))
        do throws(RedisError) {
            while self.reason == nil, let reply = try self.decoder.next() {
                self.received(reply, context)
            }
        } catch {
            self.finish(error, context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.finish(RedisError(.connectionLost, "Redis closed the connection", isOutcomeUnknown: true), context)
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.finish(RedisError(.connectionLost, TLSFailure.describe(error), isOutcomeUnknown: true), context)
    }

    // MARK: Actions

    private func received(_ reply: RedisValue, _ context: ChannelHandlerContext) {
        switch self.machine.received(reply) {
        case .nothing: break
        case .deliver(let id, let replies): self.complete(id, .success(replies))
        case .close(let reason): self.finish(reason, context)
        }
    }

    private func tick(_ context: ChannelHandlerContext) {
        self.timer = nil
        self.timerInstant = .distantFuture
        let action = self.machine.tick(now: context.eventLoop.now)
        for id in action.expired {
            let error = RedisError(.deadlineExceeded, "no reply before the deadline", isOutcomeUnknown: true)
            self.complete(id, .failure(error))
        }
        if let reason = action.close { return self.finish(reason, context) }
        if let next = action.next { self.scheduleTick(by: next, context) }
    }

    private func scheduleTick(by instant: NIODeadline, _ context: ChannelHandlerContext) {
        guard instant < self.timerInstant else { return }
        self.timer?.cancel()
        self.timerInstant = instant
        self.timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: instant) { [weak self] in
            guard let self, let context = self.context else { return }
            self.tick(context)
        }
    }

    private func scheduleFlush(_ context: ChannelHandlerContext) {
        guard !self.isFlushScheduled else { return }
        self.isFlushScheduled = true
        context.eventLoop.assumeIsolated().execute {
            self.isFlushScheduled = false
            self.context?.flush()
        }
    }

    /// Asks a quiet server for a sign of life; the deadline of the question closes a connection that stays silent.
    private func beat() {
        guard let context, self.machine.isIdle else { return }
        let asked = context.eventLoop.now
        let deadline = asked + self.heartbeatInterval
        self.send(RedisConnection.heartbeatID, Self.ping, commands: 1, deadline: deadline) { [onLatency] result in
            guard case .success = result else { return }
            onLatency(.nanoseconds((NIODeadline.now() - asked).nanoseconds))
        }
    }

    private static let ping = CommandEncoder.encode([["PING"]])

    private func complete(_ id: ConnectionMachine.RequestID, _ result: Result<[RedisValue], RedisError>) {
        self.completions.removeValue(forKey: id)?(result)
    }

    private func finish(_ reason: RedisError, _ context: ChannelHandlerContext) {
        guard self.reason == nil else { return }
        self.reason = reason
        self.timer?.cancel()
        self.heartbeat?.cancel()
        for failure in self.machine.closed(reason) {
            self.complete(failure.id, .failure(failure.error))
        }
        context.close(promise: nil)
        self.closed.succeed(reason)
    }
}
