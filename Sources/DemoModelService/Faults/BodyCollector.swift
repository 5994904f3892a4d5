import HTTPTypes
import Hummingbird
import NIOCore
import Synchronization

/// Takes the body of an answer before it is sent, so that it can be sent otherwise.
struct BodyCollector: ResponseBodyWriter {
    private final class Received: Sendable {
        let bytes = Mutex(ByteBuffer())
    }

    private let received = Received()

    static func collect(_ body: ResponseBody) async throws -> ByteBuffer {
        let collector = BodyCollector()
        try await body.write(collector)
        return collector.received.bytes.withLock { $0 }
    }

    func write(_ buffer: ByteBuffer) async throws {
        _ = self.received.bytes.withLock { $0.writeImmutableBuffer(buffer) }
    }

    func finish(_ trailingHeaders: HTTPFields?) async throws {}
}
