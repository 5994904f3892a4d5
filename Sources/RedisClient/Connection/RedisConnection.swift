import NIOCore
import Synchronization

/// One open connection as callers on any thread see it.
struct RedisConnection: Sendable {
    private static let ids = Atomic<ConnectionMachine.RequestID>(1)
    /// The request of the handler itself.
    static let heartbeatID: ConnectionMachine.RequestID = 0

    let channel: any Channel
    let handler: ConnectionHandler
    /// Fulfilled with the reason when the connection has ended.
    let closed: EventLoopFuture<RedisError>

    /// Sends commands together and awaits all their replies; error replies stay values.
    func send(_ commands: [[RedisWord]], within: Duration) async throws(RedisError) -> [RedisValue] {
        guard !Task.isCancelled else {
            throw RedisError(.cancelled, "the task was cancelled before the command was sent")
        }
        let bytes = CommandEncoder.encode(commands, allocator: self.channel.allocator)
        let deadline = NIODeadline.now() + TimeAmount(within)
        let id = Self.ids.wrappingAdd(1, ordering: .relaxed).oldValue
        let loop = self.channel.eventLoop
        let handler = self.handler
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { (waiting: CheckedContinuation<Result<[RedisValue], RedisError>, Never>) in
                loop.execute {
                    handler.send(id, bytes, commands: commands.count, deadline: deadline) {
                        waiting.resume(returning: $0)
                    }
                }
                // A cancellation before this line found nothing to cancel.
                if Task.isCancelled { loop.execute { handler.cancel(id) } }
            }
        } onCancel: {
            loop.execute { handler.cancel(id) }
        }
        return try result.get()
    }

    func beginHeartbeat() {
        let handler = self.handler
        self.channel.eventLoop.execute { handler.beginHeartbeat() }
    }

    /// Ends the connection; callers still waiting are told the reason.
    func end(_ reason: RedisError) {
        let handler = self.handler
        self.channel.eventLoop.execute { handler.end(reason) }
    }

    /// Ends the connection and waits until it has ended.
    func close(_ reason: RedisError) async {
        self.end(reason)
        _ = try? await self.closed.get()
    }
}
