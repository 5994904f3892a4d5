public import NIOCore
import NIOPosix
import Synchronization

/// A TCP proxy on loopback that can be told to misbehave as networks do, for tests of what stands before it.
///
/// What it is told holds for connections that are open as well as for new ones, unless said otherwise. A blackhole
/// keeps what it is sent, as a network that comes back delivers late what was sent meanwhile.
public final class ChaosProxy: Sendable {
    public enum Mode: Sendable, Equatable {
        case passing
        /// Each piece arrives so much later, in both directions.
        case delayed(Duration)
        /// Nothing arrives until another mode is set; connections are accepted.
        case blackhole
        /// Whoever connects is sent away at once; open connections live on.
        case refusing
        /// The server's bytes arrive as as many others that mean nothing.
        case garbled
        /// Half of what the server says arrives, then the connection ends.
        case halved
    }

    struct State {
        var mode = Mode.passing
        var target: SocketAddress
        var pairs: [ObjectIdentifier: ChaosPair] = [:]
        var accepted = 0
    }

    private let group: MultiThreadedEventLoopGroup
    private let listener: any Channel
    let gate: (any ChaosGate)?
    let state: Mutex<State>

    /// Starts on a free port before a server; what callers say goes through the gate.
    public static func start(to target: SocketAddress, gate: (any ChaosGate)? = nil) async throws -> ChaosProxy {
        let group = MultiThreadedEventLoopGroup.singleton
        let arrivals = ChaosArrivals()
        let listener = try await ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in arrivals.take(channel) }
            .bind(host: "127.0.0.1", port: 0).get()
        let proxy = ChaosProxy(group: group, listener: listener, target: target, gate: gate)
        arrivals.proxy.withLock { $0 = proxy }
        return proxy
    }

    private init(
        group: MultiThreadedEventLoopGroup,
        listener: any Channel,
        target: SocketAddress,
        gate: (any ChaosGate)?
    ) {
        self.gate = gate
        self.group = group
        self.listener = listener
        self.state = Mutex(State(target: target))
    }

    public var port: Int { self.listener.localAddress?.port ?? 0 }

    /// How many connections were accepted so far.
    public var acceptedCount: Int { self.state.withLock { $0.accepted } }

    public func set(_ mode: Mode) {
        let pairs = self.state.withLock { state in
            state.mode = mode
            return Array(state.pairs.values)
        }
        for pair in pairs { pair.modeChanged() }
    }

    /// New connections lead there; those that are open stay where they are until they are `cut()`.
    public func redirect(to target: SocketAddress) {
        self.state.withLock { $0.target = target }
    }

    /// Ends every open connection.
    public func cut() {
        for pair in self.state.withLock({ Array($0.pairs.values) }) { pair.close() }
    }

    /// Ends every open connection on the server's side only: the caller's stays open, and silent for ever.
    public func halfOpen() {
        for pair in self.state.withLock({ Array($0.pairs.values) }) { pair.halfOpen() }
    }

    public func stop() async {
        try? await self.listener.close()
        self.cut()
    }

    func accept(_ channel: any Channel) -> EventLoopFuture<Void> {
        let (mode, target) = self.state.withLock { state in
            state.accepted += 1
            return (state.mode, state.target)
        }
        guard mode != .refusing else { return channel.close() }
        let upstream = ClientBootstrap(group: channel.eventLoop).channelOption(.autoRead, value: false).connect(
            to: target
        )
        return upstream.flatMap { server in
            let pair = ChaosPair(caller: channel, server: server, proxy: self)
            self.state.withLock { $0.pairs[ObjectIdentifier(pair)] = pair }
            return pair.begin()
        }
        .flatMapError { _ in channel.close() }
    }

    func forget(_ pair: ChaosPair) {
        self.state.withLock { $0.pairs[ObjectIdentifier(pair)] = nil }
    }

    var mode: Mode { self.state.withLock { $0.mode } }
}

/// Where connections go that are accepted before the proxy is made.
private final class ChaosArrivals: Sendable {
    let proxy = Mutex<ChaosProxy?>(nil)

    func take(_ channel: any Channel) -> EventLoopFuture<Void> {
        guard let proxy = self.proxy.withLock({ $0 }) else { return channel.close() }
        return proxy.accept(channel)
    }
}
