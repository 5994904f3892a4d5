import Hummingbird
import NIOCore
import ServiceLifecycle

/// Never answers a request: until the caller leaves, the service leaves, or ten minutes have passed.
///
/// The end is a reset, never an answer. Without these three ends every hung request of a test would stay for ever, and
/// SIGTERM would wait for requests that cannot finish.
enum Silence {
    static let secondsMax = 600

    static func keep(_ request: Request, on channel: any Channel) async throws -> Response {
        _ = try? await request.body.consumeWithCancellationOnInboundClose { _ in
            try await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(Self.secondsMax)) }
        }
        await channel.resetConnection()
        throw CancellationError()
    }
}
