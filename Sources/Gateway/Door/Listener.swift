internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// The listening sockets of the data plane. Every accepted connection gets a door and nothing else.
final class Listener: Sendable {
    private let planes: [ObjectIdentifier: LoopPlane]
    private let connectionsMax: Int
    private let connections = Atomic<Int>(0)
    private let channels = Mutex<[any Channel]>([])

    init(planes: [LoopPlane], connectionsMax: Int) {
        self.planes = Dictionary(uniqueKeysWithValues: planes.map { (ObjectIdentifier($0.loop), $0) })
        self.connectionsMax = connectionsMax
    }

    func listen(host: String, port: Int, general: any GeneralDoor, group: MultiThreadedEventLoopGroup) async throws
        -> SocketAddress
    {
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(ChannelOptions.backlog, value: 1024)
            .serverChannelOption(ChannelOptions.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(
                ChannelOptions.recvAllocator,
                value: ReadSize.allocator
            )
            .childChannelOption(ChannelOptions.maxMessagesPerRead, value: 1)
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in self.accepted(channel, general: general) }
        let channel = try await bootstrap.bind(host: host, port: port).get()
        self.channels.withLock { $0.append(channel) }
        guard let address = channel.localAddress else { throw ChannelError.unknownLocalAddress }
        return address
    }

    /// Beyond the bound a connection is closed at once: its caller learns it now and not by a timeout.
    private func accepted(_ channel: any Channel, general: any GeneralDoor) -> EventLoopFuture<Void> {
        guard let plane = self.planes[ObjectIdentifier(channel.eventLoop)] else {
            return channel.eventLoop.makeFailedFuture(ChannelError.inappropriateOperationForState)
        }
        guard self.connections.wrappingAdd(1, ordering: .relaxed).newValue <= self.connectionsMax else {
            self.connections.wrappingSubtract(1, ordering: .relaxed)
            return channel.eventLoop.makeFailedFuture(ChannelError.inappropriateOperationForState)
        }
        channel.closeFuture.whenComplete { _ in self.connections.wrappingSubtract(1, ordering: .relaxed) }
        return channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(ClientHandler(plane: plane, general: general))
        }
    }

    func close() async {
        let channels = self.channels.withLock { channels in
            defer { channels = [] }
            return channels
        }
        for channel in channels { try? await channel.close() }
    }
}
