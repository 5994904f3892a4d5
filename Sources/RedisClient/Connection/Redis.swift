public import Logging
public import NIOCore
public import ServiceLifecycle
import Synchronization

/// One connection to Redis that comes back whenever it breaks, shared by any number of callers.
///
/// Commands of all callers are pipelined in the order in which they are sent. While there is no usable connection a
/// command fails at once with `notConnected`: nothing queues up, and the caller, who knows what the command is worth,
/// decides. When the connection breaks, every command under way fails at once with an unknown outcome.
///
/// `run()` must be running for anything to work: it connects and never gives up. It ends only by cancellation or
/// graceful shutdown; let it outlive those who use it.
///
/// A read that blocks at the server (`XREAD BLOCK`) holds up all commands behind it: it belongs on a `Redis` of its
/// own, made with `purpose: .blockingReads`.
public final class Redis: Service, Sendable {
    /// What the connection is for.
    public enum Purpose: Sendable, Hashable {
        /// Short commands. A late reply keeps its place for `lateReplyMax` before the connection is given up.
        case commands
        /// Reads that block at the server. Each is sent with its own deadline, and a reply that misses it means a dead
        /// server: the connection is closed at once.
        case blockingReads
    }

    private struct Link {
        var connection: RedisConnection?
        var state: RedisState
    }

    public let configuration: RedisConfiguration
    public let library: RedisLibrary?
    private let group: any EventLoopGroup
    private let logger: Logger
    private let link: Mutex<Link>
    /// Finds the primary; nil when the configuration names it.
    private let seeker: PrimarySeeker?
    private let report: ConnectionReport

    /// What becomes of this connection and of the one `beside` which it is made is told in the log as of one.
    public init(
        configuration: RedisConfiguration,
        group: any EventLoopGroup,
        logger: Logger,
        library: RedisLibrary? = nil,
        purpose: Purpose = .commands,
        beside other: Redis? = nil
    ) {
        var configuration = configuration
        if purpose == .blockingReads { configuration.lateReplyMax = .zero }
        self.configuration = configuration
        self.group = group
        self.logger = logger
        self.library = library
        self.seeker = PrimarySeeker(configuration, group: group)
        self.report = other?.report ?? ConnectionReport(address: configuration.address, logger: logger, now: .now)
        let reason = RedisError(.notConnected, "not connected yet")
        self.link = Mutex(Link(state: .disconnected(since: .now, reason: reason)))
    }

    /// What is known now; cheap, never waits.
    public var state: RedisState {
        self.link.withLock { $0.state }
    }

    /// Connects and keeps connecting until cancelled or gracefully shut down.
    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                if let seeker = self.seeker { group.addTask { await seeker.watch() } }
                await self.keepConnected()
                group.cancelAll()
            }
        }
    }

    /// Waits until a usable connection is there.
    public func waitConnected(within: Duration) async throws(RedisError) {
        let deadline = ContinuousClock.now + within
        while case .disconnected(_, let reason) = self.state {
            let isLate = ContinuousClock.now >= deadline
            guard !isLate, (try? await Task.sleep(for: Self.statePollInterval)) != nil else { throw reason }
        }
    }

    /// Sends one command and awaits its reply, `commandTimeout` long unless told otherwise; an error reply is thrown.
    public func send(_ words: [RedisWord], within: Duration? = nil) async throws(RedisError) -> RedisValue {
        let replies = try await self.send(pipeline: [words], within: within)
        if case .error(let text) = replies[0] { throw RedisError(reply: text) }
        return replies[0]
    }

    /// Sends commands together and awaits all replies; error replies stay values.
    ///
    /// The commands run in this order, but others may run between them, and one that fails does not stop the next.
    public func send(
        pipeline commands: [[RedisWord]],
        within: Duration? = nil
    ) async throws(RedisError) -> [RedisValue] {
        guard !commands.isEmpty else { return [] }
        let connection = try self.connection()
        return try await connection.send(commands, within: within ?? self.configuration.commandTimeout)
    }

    /// Calls a function by the name under which the library's source registers it; loads the library when Redis does
    /// not have it, and tries once more.
    public func call(
        _ function: String,
        keys: [String],
        arguments: [RedisWord],
        within: Duration? = nil
    ) async throws(RedisError) -> RedisValue {
        let name = self.library?.functionName(function) ?? function
        let words =
            ["FCALL", RedisWord(name), RedisWord(Int64(keys.count))] + keys.map { RedisWord($0) } + arguments
        do throws(RedisError) {
            return try await self.send(words, within: within)
        } catch {
            guard error.code == .functionMissing, self.library != nil else { throw error }
            try await self.loadLibrary(within: within)
        }
        return try await self.send(words, within: within)
    }

    /// Loads the library, unless Redis has it.
    public func loadLibrary(within: Duration? = nil) async throws(RedisError) {
        guard let library else { return }
        do throws(RedisError) {
            _ = try await self.send(["FUNCTION", "LOAD", RedisWord(library.source)], within: within)
            self.logger.info("redis functions loaded", metadata: ["mm.redis.library": "\(library.name)"])
        } catch {
            // Another replica was faster; the name holds the hash of the content, so what is there is ours.
            guard error.code == .reply, error.message.contains("already exists") else { throw error }
        }
    }

    private static let statePollInterval = Duration.milliseconds(5)
}

// MARK: Keeping connected

extension Redis {
    private func keepConnected() async {
        var backoff = ReconnectBackoff()
        while !Task.isCancelled {
            let reason = await self.serveOneConnection(&backoff)
            self.publish(lost: reason)
            guard !Task.isCancelled else { return }
            self.report.lost(reason, now: .now)
            let wait = backoff.wait(after: reason.code, random: .random(in: 0..<1))
            if let seeker { await seeker.pause(wait) } else { try? await Task.sleep(for: wait) }
        }
    }

    /// Connects and stays until the connection ends; returns why it did.
    private func serveOneConnection(_ backoff: inout ReconnectBackoff) async -> RedisError {
        do throws(RedisError) {
            let (connection, server, warnings) = try await self.open()
            backoff.succeeded()
            self.report.connected(to: server, warnings)
            connection.beginHeartbeat()
            return await self.end(of: connection)
        } catch {
            return error
        }
    }

    /// Opens a connection to the primary, wherever it is now.
    private func open() async throws(RedisError) -> Opened {
        guard let seeker else { return try await self.open(self.configuration) }
        var step = seeker.begin()
        while true {
            switch step {
            case .ask(let sentinel):
                step = await seeker.ask(sentinel)
            case .connect(let server):
                do throws(RedisError) {
                    let opened = try await self.open(seeker.configuration(of: server))
                    seeker.connected(server, leave: opened.connection.end)
                    return opened
                } catch {
                    step = seeker.refused(server, error)
                }
            case .giveUp(let error):
                throw error
            }
        }
    }

    private typealias Opened = (connection: RedisConnection, server: RedisAddress, warnings: [String])

    private func open(_ configuration: RedisConfiguration) async throws(RedisError) -> Opened {
        let dialer = Dialer(configuration: configuration, group: self.group) { [weak self] latency in
            self?.publish(latency: latency)
        }
        let connection = try await dialer.dial()
        do throws(RedisError) {
            let handshake = Handshake(configuration)
            let asked = ContinuousClock.now
            let replies = try await connection.send(handshake.commands, within: configuration.connectTimeout)
            if let objection = handshake.objection(to: replies) { throw objection }
            self.publish(connection, latency: ContinuousClock.now - asked)
            return (connection, configuration.address, handshake.warnings(in: replies))
        } catch {
            // Nothing a caller asked for was under way, so nothing is unknown.
            let isLost = [.connectionLost, .deadlineExceeded].contains(error.code)
            let error = RedisError(isLost ? .connectFailed : error.code, error.message)
            await connection.close(error)
            throw error
        }
    }

    private func end(of connection: RedisConnection) async -> RedisError {
        await withTaskCancellationHandler {
            let reason = try? await connection.closed.get()
            return reason ?? RedisError(.connectionLost, "the connection ended")
        } onCancel: {
            connection.end(RedisError(.notConnected, "this client was shut down"))
        }
    }
}

// MARK: The link

extension Redis {
    private func connection() throws(RedisError) -> RedisConnection {
        let (connection, state) = self.link.withLock { ($0.connection, $0.state) }
        if let connection { return connection }
        guard case .disconnected(_, let reason) = state else {
            throw RedisError(.notConnected, "not connected")
        }
        throw RedisError(.notConnected, "not connected to \(self.configuration.address): \(reason.message)")
    }

    private func publish(_ connection: RedisConnection, latency: Duration) {
        self.link.withLock { $0 = Link(connection: connection, state: .connected(latency: latency)) }
    }

    private func publish(latency: Duration) {
        self.link.withLock { link in
            if link.connection != nil { link.state = .connected(latency: latency) }
        }
    }

    private func publish(lost reason: RedisError) {
        self.link.withLock { link in
            link.connection = nil
            if case .disconnected(let since, _) = link.state {
                link.state = .disconnected(since: since, reason: reason)
            } else {
                link.state = .disconnected(since: .now, reason: reason)
            }
        }
    }
}
