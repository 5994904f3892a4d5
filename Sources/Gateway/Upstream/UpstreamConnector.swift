internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import Registry
internal import Synchronization

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Opens connections to instances: resolves the host, judges the addresses, connects, adds TLS.
///
/// The address that was judged is the address that is connected to; nothing resolves the name a second time in
/// between. Addresses are tried in the order the resolver gave them.
final class UpstreamConnector: Sendable {
    let judge: HostJudge
    private let connectTimeout: Duration
    private let connectionsMax: Int
    /// Open, or about to be.
    private let connections = Atomic<Int>(0)
    private let tls: UpstreamTLS
    /// Where the data plane itself listens; an instance there would be a loop.
    private let own = Mutex<[SocketAddress]>([])

    init(hosts: HostPolicy, authorities: ServiceAuthorities?, connectTimeout: Duration, connectionsMax: Int) {
        self.judge = HostJudge(hosts)
        self.tls = UpstreamTLS(authorities)
        self.connectTimeout = connectTimeout
        self.connectionsMax = connectionsMax
    }

    /// The data plane listens there: never to be connected to.
    func listens(at address: SocketAddress) {
        self.own.withLock { $0.append(address) }
    }

    /// On the loop; the result comes on the loop.
    ///
    /// The `origin` is what the service is called, where `url` names one address of it: its host is what lists of hosts
    /// and certificates know.
    func connect(
        to url: ServiceURL,
        origin: ServiceURL,
        upstream: Upstream?,
        lane: UpstreamLane?,
        on loop: any EventLoop
    ) -> EventLoopFuture<UpstreamConnection> {
        if let reason = self.judge.refuses(host: origin.host) {
            return loop.makeFailedFuture(UpstreamFailure(kind: .denied, detail: reason))
        }
        return self.addresses(of: url, origin: origin, on: loop).flatMap { addresses in
            self.connect(to: origin, addresses[...], upstream: upstream, lane: lane, on: loop)
        }
    }

    /// Literals at once, names on a thread that may block.
    private func addresses(
        of url: ServiceURL,
        origin: ServiceURL,
        on loop: any EventLoop
    ) -> EventLoopFuture<[SocketAddress]> {
        if let address = try? SocketAddress(ipAddress: url.host, port: url.port) {
            return loop.makeCompletedFuture { try self.judged([address], of: origin) }
        }
        return NIOThreadPool.singleton.runIfActive(eventLoop: loop) {
            try self.judged(HostResolver.addresses(of: url.host, port: url.port), of: origin)
        }
    }

    /// The allowed ones; throws why when there are none.
    func judged(_ addresses: [SocketAddress], of url: ServiceURL) throws -> [SocketAddress] {
        let own = self.own.withLock { $0 }
        var refusal: String?
        let allowed = addresses.filter { address in
            let reason =
                self.judge.refuses(address, host: url.host)
                ?? (own.contains { $0.reaches(address) } ? "\(url) is the manager itself" : nil)
            refusal = refusal ?? reason
            return reason == nil
        }
        if allowed.isEmpty, let refusal { throw UpstreamFailure(kind: .denied, detail: refusal) }
        return allowed
    }

    private func connect(
        to url: ServiceURL,
        _ addresses: ArraySlice<SocketAddress>,
        upstream: Upstream?,
        lane: UpstreamLane?,
        on loop: any EventLoop
    ) -> EventLoopFuture<UpstreamConnection> {
        guard let address = addresses.first else {
            return loop.makeFailedFuture(UpstreamFailure(kind: .resolve, detail: "no address for \(url.host)"))
        }
        guard self.connections.wrappingAdd(1, ordering: .relaxed).newValue <= self.connectionsMax else {
            self.connections.wrappingSubtract(1, ordering: .relaxed)
            let detail = "\(self.connectionsMax) connections to instances are open"
            return loop.makeFailedFuture(UpstreamFailure(kind: .exhausted, detail: detail))
        }
        let connection = UpstreamConnection(upstream: upstream, lane: lane)
        return self.bootstrap(url, connection, on: loop).connect(to: address)
            .map { channel in
                channel.closeFuture.whenComplete { _ in self.connections.wrappingSubtract(1, ordering: .relaxed) }
                return connection
            }
            .flatMapError { error in
                self.connections.wrappingSubtract(1, ordering: .relaxed)
                guard addresses.count > 1 else { return loop.makeFailedFuture(Self.failure(error)) }
                return self.connect(to: url, addresses.dropFirst(), upstream: upstream, lane: lane, on: loop)
            }
    }

    private func bootstrap(_ url: ServiceURL, _ connection: UpstreamConnection, on loop: any EventLoop)
        -> ClientBootstrap
    {
        ClientBootstrap(group: loop)
            .channelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(ChannelOptions.recvAllocator, value: ReadSize.allocator)
            .channelOption(ChannelOptions.maxMessagesPerRead, value: 1)
            .connectTimeout(TimeAmount.nanoseconds(self.connectTimeout.inNanoseconds))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if url.scheme == .https {
                        try channel.pipeline.syncOperations.addHandler(self.tls.handler(for: url))
                    }
                    try channel.pipeline.syncOperations.addHandler(connection)
                }
            }
    }

    /// Any failure to connect, by its kind.
    static func failure(_ error: any Error) -> UpstreamFailure {
        switch error {
        case let failure as UpstreamFailure: failure
        case ChannelError.connectTimeout: UpstreamFailure(kind: .connectTimeout, detail: "no answer to connect")
        case let error as IOError: self.failure(errno: error.errnoCode)
        case is NIOSSLError, is BoringSSLError, is NIOSSLExtraError: UpstreamFailure(kind: .tls, detail: "\(error)")
        default: UpstreamFailure(kind: .connectRefused, detail: "\(error)")
        }
    }

    /// What the system says, without the name of NIO's function.
    private static func failure(errno code: Int32) -> UpstreamFailure {
        let detail = String(cString: strerror(code))
        return UpstreamFailure(kind: self.isExhaustion(code) ? .exhausted : .connectRefused, detail: detail)
    }

    /// What this replica lacks itself: files or memory. A lack of ports looks like an address that cannot be reached.
    static func isExhaustion(_ code: Int32) -> Bool {
        [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(code)
    }
}

extension SocketAddress {
    /// Whether a connection to `address` arrives at a socket that listens here. A wildcard is taken for the loopback
    /// addresses only; through the others, the `via` header ends a loop after one round.
    fileprivate func reaches(_ address: SocketAddress) -> Bool {
        guard self.port == address.port, let own = AddressBlock.bytes(of: self),
            let other = AddressBlock.bytes(of: address)
        else { return false }
        if own == other { return true }
        let isLoopback =
            other.first == 127 || (other.count == 16 && other.dropLast().allSatisfy { $0 == 0 } && other.last == 1)
        return own.allSatisfy { $0 == 0 } && isLoopback
    }
}
