public import Gateway
internal import Hummingbird
internal import HummingbirdCore
public import Logging
public import NIOCore
internal import NIOHTTP1
internal import Registry

/// Serves the connections that the strict parser leaves alone: NIO's decoder, Hummingbird's server, our routes.
///
/// `open` runs on the connection's event loop and only sets up its pipeline; `run` is the one structured place where
/// the connections are served.
public final class HummingbirdDoor: GeneralDoor {
    private struct Connection: Sendable {
        var http: HTTP1Channel
        var value: HTTP1Channel.Value
    }

    private let face: ManagerFace
    private let logger: Logger
    private let connections: ConnectionQueue<Connection>

    public init(face: ManagerFace, logger: Logger) {
        self.face = face
        self.logger = logger
        self.connections = ConnectionQueue(placesMax: face.settings.connectionsMax)
    }

    public func open(
        behind channel: any Channel,
        responseEnded: @escaping @Sendable () -> Void
    ) -> EventLoopFuture<Void> {
        guard self.connections.takePlace() else {
            channel.close(mode: .all, promise: nil)
            return channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
        }
        let caller = CallerPresence()
        let http = self.channelServer(caller)
        return http.setup(channel: channel, logger: self.logger).flatMapErrorThrowing { error in
            self.connections.givePlaceBack()
            throw error
        }.flatMapThrowing { value in
            self.connections.put(Connection(http: http, value: value))
            do {
                try self.addHandler(to: channel, caller, responseEnded)
            } catch {
                channel.close(mode: .all, promise: nil)
                throw error
            }
        }
    }

    /// Serves until `close` was called and the last connection has ended, or the task is cancelled.
    public func run() async throws {
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                while let connection = await self.connections.next() {
                    group.addTask {
                        await connection.http.handle(value: connection.value, logger: self.logger)
                        self.connections.givePlaceBack()
                    }
                }
            }
        } onCancel: {
            self.close()
        }
    }

    /// Takes no more connections; those that there are go on.
    public func close() {
        self.connections.close()
    }

    private func channelServer(_ caller: CallerPresence) -> HTTP1Channel {
        let settings = self.face.settings
        let limits = HTTP1Channel.Configuration.DecoderConfiguration(
            maxHeaderFieldSize: settings.headerFieldBytesMax,
            maxHeaderListSize: settings.headerListBytesMax,
            maxHeaderFieldCount: settings.headersMax
        )
        // No idle timeout here: it would not see the requests of the fast path on the same connection.
        let configuration = HTTP1Channel.Configuration(httpDecoderConfiguration: limits)
        let (responder, logger) = (self.face.responder, self.logger)
        return HTTP1Channel(
            responder: { request, writer, channel in
                var context = FaceContext(source: .init(channel: channel, logger: logger))
                context.caller = caller
                let response = try await responder.respond(to: request, context: context)
                try await writer.write(response: response.head, body: response.body)
            },
            configuration: configuration
        )
    }

    /// Behind the decoder, in front of everything that Hummingbird adds.
    private func addHandler(
        to channel: any Channel,
        _ caller: CallerPresence,
        _ responseEnded: @escaping @Sendable () -> Void
    ) throws {
        let pipeline = channel.pipeline.syncOperations
        let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
        let handler = ConnectionHandler(
            bodyBytesMax: self.face.settings.bodyBytesMax,
            headMax: .nanoseconds(self.face.settings.headTimeout.inNanoseconds),
            stallMax: .nanoseconds(self.face.settings.idleTimeout.inNanoseconds),
            caller: caller,
            replicaID: self.face.responder.identity.id,
            now: self.face.responder.ports.clocks.wall,
            responseEnded: responseEnded
        )
        try pipeline.addHandler(RawBytesWatch(bytesCame: handler.bytesCame), position: .before(decoder))
        try pipeline.addHandler(handler, position: .after(decoder))
    }
}
