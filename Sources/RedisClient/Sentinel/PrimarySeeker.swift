import NIOCore
import Synchronization

/// The shell of a `SentinelMachine`: asks sentinels, one short connection each, and keeps a watch on one of them.
///
/// What the watch hears is only a hint: it ends the connection to a server that is the primary no more, or a pause
/// between two attempts, and the asking begins anew.
final class PrimarySeeker: Sendable {
    private struct State {
        var machine: SentinelMachine
        var isHinted = false
        /// Ends the connection in use.
        var leave: (@Sendable (RedisError) -> Void)?
    }

    private let configuration: RedisConfiguration
    private let group: any EventLoopGroup
    private let question: SentinelQuestion
    private let state: Mutex<State>

    /// Nil when the configuration names the server itself.
    init?(_ configuration: RedisConfiguration, group: any EventLoopGroup) {
        guard case .sentinel(let hosts, let primary) = configuration.address else { return nil }
        self.configuration = configuration
        self.group = group
        self.question = SentinelQuestion(configuration, primary: primary)
        self.state = Mutex(State(machine: SentinelMachine(hosts)))
    }

    func begin() -> SentinelMachine.Step {
        self.state.withLock { state in
            state.leave = nil
            state.isHinted = false
            return state.machine.begin()
        }
    }

    /// Asks one sentinel, for `connectTimeout` at most twice: connecting and answering.
    func ask(_ sentinel: SentinelMachine.Host) async -> SentinelMachine.Step {
        do throws(RedisError) {
            let answer = try await self.answer(of: sentinel)
            return self.state.withLock { $0.machine.answered(sentinel, answer) }
        } catch {
            return self.state.withLock { $0.machine.failed(sentinel, error) }
        }
    }

    func refused(_ server: SentinelMachine.Host, _ error: RedisError) -> SentinelMachine.Step {
        self.state.withLock { $0.machine.refused(server, error) }
    }

    func connected(_ server: SentinelMachine.Host, leave: @escaping @Sendable (RedisError) -> Void) {
        self.state.withLock { state in
            state.machine.connected(server)
            state.leave = leave
        }
    }

    /// How to reach the server itself.
    func configuration(of server: SentinelMachine.Host) -> RedisConfiguration {
        var configuration = self.configuration
        configuration.address = .tcp(host: server.host, port: server.port)
        return configuration
    }

    /// Waits before the next attempt; a hint ends the wait.
    func pause(_ wait: Duration) async {
        let end = ContinuousClock.now + wait
        while ContinuousClock.now < end, !Task.isCancelled, !self.takeHint() {
            try? await Task.sleep(for: min(end - .now, Self.hintPollInterval))
        }
    }

    /// Keeps a watch on one sentinel after another until cancelled.
    func watch() async {
        var (turn, backoff) = (0, ReconnectBackoff())
        while !Task.isCancelled {
            let sentinels = self.state.withLock { $0.machine.sentinels }
            let began = ContinuousClock.now
            await self.watch(sentinels[turn % sentinels.count])
            let didLast = ContinuousClock.now - began > Self.watchMin
            if didLast { backoff.succeeded() }
            turn = didLast ? 0 : turn + 1
            guard !Task.isCancelled else { return }
            try? await Task.sleep(for: backoff.wait(after: .connectFailed, random: .random(in: 0..<1)))
        }
    }

    private static let hintPollInterval = Duration.milliseconds(25)
    /// A watch that ends sooner was none: the sentinel refuses us.
    private static let watchMin = Duration.seconds(5)

    private func takeHint() -> Bool {
        self.state.withLock { state in
            defer { state.isHinted = false }
            return state.isHinted
        }
    }

    private func answer(of sentinel: SentinelMachine.Host) async throws(RedisError) -> SentinelAnswer {
        let dialer = Dialer(configuration: self.sentinelConfiguration(sentinel), group: self.group) { _ in }
        let connection = try await dialer.dial()
        let replies: Result<[RedisValue], RedisError>
        do throws(RedisError) {
            let timeout = self.configuration.connectTimeout
            replies = .success(try await connection.send(self.question.commands, within: timeout))
        } catch {
            replies = .failure(error)
        }
        await connection.close(RedisError(.notConnected, "asked"))
        switch replies {
        case .success(let replies): return try self.question.answer(replies)
        case .failure(let error): throw self.question.explained(error)
        }
    }

    /// Returns when the watch has ended.
    private func watch(_ sentinel: SentinelMachine.Host) async {
        let question = self.question
        let dialer = Dialer(configuration: self.sentinelConfiguration(sentinel), group: self.group) { _ in }
        let handler = SentinelWatchHandler(question: question) { [weak self] server, epoch in
            self?.heard(server, epoch)
        }
        guard let channel = try? await dialer.open(handler) else { return }
        await withTaskCancellationHandler {
            _ = try? await channel.closeFuture.get()
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    private func heard(_ server: SentinelMachine.Host, _ configEpoch: Int64?) {
        let leave = self.state.withLock { state -> (@Sendable (RedisError) -> Void)? in
            state.isHinted = true
            return state.machine.hinted(server, configEpoch: configEpoch) ? state.leave : nil
        }
        leave?(RedisError(.connectionLost, "the sentinels made \(server) the primary", isOutcomeUnknown: true))
    }

    private func sentinelConfiguration(_ sentinel: SentinelMachine.Host) -> RedisConfiguration {
        var configuration = self.configuration(of: sentinel)
        // The question says who we are; the credentials of the primary are none of the sentinel's business.
        (configuration.user, configuration.password, configuration.database) = (nil, nil, 0)
        return configuration
    }
}
