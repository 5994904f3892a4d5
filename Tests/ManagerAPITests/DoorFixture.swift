import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import ManagerAPI

/// A listener whose every connection goes to the general door, and a client that sees every byte.
final class DoorFixture: Sendable {
    let door: HummingbirdDoor
    let responsesEnded = Mutex(0)
    private let address = Mutex<SocketAddress?>(nil)

    init(_ replica: FakeReplica, settings: (inout FaceSettings) -> Void = { _ in }) {
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        self.door = HummingbirdDoor(face: replica.face(settings), logger: logger)
    }

    /// Serves while the work runs; then closes the listener and the door, and waits for the door's end.
    func serving<Value: Sendable>(_ work: @Sendable @escaping (DoorFixture) async throws -> Value) async throws -> Value
    {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelOption(ChannelOptions.allowRemoteHalfClosure, value: true)
            .childChannelInitializer { channel in
                self.door.open(behind: channel) { self.responsesEnded.withLock { $0 += 1 } }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        self.address.withLock { $0 = server.localAddress }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.door.run() }
            do {
                let value = try await work(self)
                try await server.close()
                self.door.close()
                try await group.waitForAll()
                return value
            } catch {
                group.cancelAll()
                try? await server.close()
                throw error
            }
        }
    }

    /// Sends the pieces one after another and gives back everything that came until the other side closed. A piece
    /// waits until the text before it has come.
    func exchange(_ pieces: [(after: String?, bytes: String)]) async throws -> String {
        try await self.connected { inbound, outbound in
            var received = ""
            var iterator = inbound.makeAsyncIterator()
            for piece in pieces {
                while let awaited = piece.after, !received.contains(awaited) {
                    guard let part = try await iterator.next() else { return received }
                    received += String(buffer: part)
                }
                try? await outbound.write(ByteBuffer(string: piece.bytes))
            }
            while let part = try await iterator.next() { received += String(buffer: part) }
            return received
        }
    }

    func exchange(_ bytes: String) async throws -> String { try await self.exchange([(nil, bytes)]) }

    func connected<Value: Sendable>(
        _ work:
            @Sendable @escaping (
                NIOAsyncChannelInboundStream<ByteBuffer>, NIOAsyncChannelOutboundWriter<ByteBuffer>
            ) async throws -> Value
    ) async throws -> Value {
        let address = try #require(self.address.withLock { $0 })
        let client = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connect(to: address) { channel in
                channel.eventLoop.makeCompletedFuture {
                    try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                }
            }
        let deadline = client.channel.eventLoop.scheduleTask(in: .seconds(20)) {
            client.channel.close(mode: .all, promise: nil)
        }
        defer { deadline.cancel() }
        return try await client.executeThenClose { try await work($0, $1) }
    }
}
