internal import Hummingbird
internal import NIOCore

/// The body of an answer, written by a child task.
///
/// Hummingbird's writers are not marked `Sendable`. Invariant that makes it safe: one task at a time uses the writer,
/// because the task that owns it waits until the child that writes has ended.
struct BodyOutput: Sendable {
    nonisolated(unsafe) private let writer: any ResponseBodyWriter

    init(_ writer: any ResponseBodyWriter) { self.writer = writer }

    @concurrent
    func write(_ part: ByteBuffer) async throws {
        nonisolated(unsafe) var writer = self.writer
        try await writer.write(part)
    }

    func write(_ text: String) async throws {
        try await self.write(ByteBuffer(string: text))
    }
}
