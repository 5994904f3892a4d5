import Glibc
import NIOCore
import NIOPosix
import NIOSSL

/// Opens one connection: socket, TLS, handler. The handshake is `Redis`' own.
struct Dialer: Sendable {
    let configuration: RedisConfiguration
    let group: any EventLoopGroup
    let onLatency: @Sendable (Duration) -> Void

    func dial() async throws(RedisError) -> RedisConnection {
        let loop = self.group.any()
        let closed = loop.makePromise(of: RedisError.self)
        let handler = ConnectionHandler(
            configuration: self.configuration,
            closed: closed,
            onLatency: self.onLatency
        )
        do throws(RedisError) {
            let channel = try await self.open(handler, on: loop)
            return RedisConnection(channel: channel, handler: handler, closed: closed.futureResult)
        } catch {
            closed.succeed(RedisError(.connectFailed, "never opened"))
            throw error
        }
    }

    /// Opens a connection for another handler than that of commands.
    func open(
        _ handler: any ChannelHandler & Sendable,
        on loop: (any EventLoop)? = nil
    ) async throws(RedisError) -> any Channel {
        do {
            return try await self.connect(self.bootstrap(loop ?? self.group.any(), handler))
        } catch {
            throw error as? RedisError
                ?? RedisError(.connectFailed, "cannot connect to \(self.configuration.address): \(Self.reason(error))")
        }
    }

    /// What the system says, without the name of NIO's function.
    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case let error as NIOConnectionError:
            error.connectionErrors.first.map { self.reason($0.error) } ?? error.dnsAError.map { "\($0)" } ?? "\(error)"
        default: "\(error)"
        }
    }

    private func connect(_ bootstrap: ClientBootstrap) async throws -> any Channel {
        switch self.configuration.address {
        case .tcp(let host, let port):
            return try await bootstrap.connect(host: host, port: port).get()
        case .unixSocket(let path):
            return try await bootstrap.connect(unixDomainSocketPath: path).get()
        case .sentinel:
            throw RedisError(.invalidConfiguration, "sentinels say where the primary is; they are none themselves")
        }
    }

    private func bootstrap(_ loop: any EventLoop, _ handler: any ChannelHandler & Sendable) throws -> ClientBootstrap {
        let tls = try self.configuration.isTLS ? self.makeTLS() : nil
        let bootstrap = ClientBootstrap(group: loop)
            .connectTimeout(TimeAmount(self.configuration.connectTimeout))
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls {
                        let name = self.configuration.serverName
                        try channel.pipeline.syncOperations.addHandler(
                            NIOSSLClientHandler(context: tls, serverHostname: name)
                        )
                    }
                    try channel.pipeline.syncOperations.addHandler(handler)
                }
            }
        guard case .tcp = self.configuration.address else { return bootstrap }
        return
            bootstrap
            .channelOption(.socketOption(.so_keepalive), value: 1)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(Self.tcpUserTimeout, value: 3_000)
    }

    private func makeTLS() throws -> NIOSSLContext {
        var tls = TLSConfiguration.makeClientConfiguration()
        if let file = self.configuration.certificateAuthorityFile { tls.trustRoots = .file(file) }
        return try NIOSSLContext(configuration: tls)
    }

    /// Milliseconds for which the peer may leave sent data unacknowledged: a half-open connection ends then.
    private static let tcpUserTimeout = ChannelOptions.Types.SocketOption(
        level: .tcp,
        name: NIOBSDSocket.Option(rawValue: 18)
    )
}

extension RedisConfiguration {
    /// The name the certificate must carry; nil for an address, which is then compared itself.
    fileprivate var serverName: String? {
        guard case .tcp(let host, _) = self.address else { return nil }
        return (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
    }
}
