internal import NIOCore
internal import Synchronization

/// Carries the body of an answer from an event loop to the task that reads it, with back-pressure: when more than
/// `waitingBytesMax` wait, the loop stops reading from the instance until some were taken.
///
/// Bound: what waits is at most that plus one read. A reader that disappears cancels the exchange.
final class AnswerStream: Sendable {
    static let waitingBytesMax = 256 * 1024

    private struct State {
        var waiting: [ByteBuffer] = []
        var waitingBytes = 0
        var end: Result<Void, any Error>?
        var reader: CheckedContinuation<ByteBuffer?, any Error>?
        var isCancelled = false
    }

    /// What the reader has just made possible.
    private enum Taken {
        case bytes(ByteBuffer, resumes: Bool)
        case end(Result<Void, any Error>)
        case nothing
    }

    private let state = Mutex(State())
    private let onReady: @Sendable () -> Void
    private let onCancel: @Sendable () -> Void

    init(onReady: @escaping @Sendable () -> Void, onCancel: @escaping @Sendable () -> Void) {
        self.onReady = onReady
        self.onCancel = onCancel
    }

    var takesMore: Bool { self.state.withLock { $0.waitingBytes < Self.waitingBytesMax } }

    // MARK: From the loop

    func append(_ bytes: ByteBuffer) {
        let reader = self.state.withLock { state -> CheckedContinuation<ByteBuffer?, any Error>? in
            guard !state.isCancelled else { return nil }
            if let reader = state.reader {
                state.reader = nil
                return reader
            }
            state.waiting.append(bytes)
            state.waitingBytes += bytes.readableBytes
            return nil
        }
        reader?.resume(returning: bytes)
    }

    func end(_ result: Result<Void, any Error>) {
        let reader = self.state.withLock { state in
            state.end = result
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(with: result.map { nil })
    }

    // MARK: From the reader

    /// The next piece; nil at the end.
    func next() async throws -> ByteBuffer? {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let taken = self.state.withLock { self.take(&$0, continuation) }
                switch taken {
                case .bytes(let bytes, let resumes):
                    continuation.resume(returning: bytes)
                    if resumes { self.onReady() }
                case .end(let result): continuation.resume(with: result.map { nil })
                case .nothing: break
                }
            }
        } onCancel: {
            self.cancel()
        }
    }

    private func take(_ state: inout State, _ reader: CheckedContinuation<ByteBuffer?, any Error>) -> Taken {
        if !state.waiting.isEmpty {
            let bytes = state.waiting.removeFirst()
            let wasFull = state.waitingBytes >= Self.waitingBytesMax
            state.waitingBytes -= bytes.readableBytes
            return .bytes(bytes, resumes: wasFull && state.waitingBytes < Self.waitingBytesMax)
        }
        if let end = state.end { return .end(end) }
        guard !state.isCancelled else { return .end(.failure(CancellationError())) }
        state.reader = reader
        return .nothing
    }

    /// Nobody reads on.
    func cancel() {
        let reader = self.state.withLock { state in
            guard state.end == nil, !state.isCancelled else {
                return nil as CheckedContinuation<ByteBuffer?, any Error>?
            }
            state.isCancelled = true
            state.waiting = []
            defer { state.reader = nil }
            return state.reader
        }
        reader?.resume(throwing: CancellationError())
        self.onCancel()
    }

    /// Reads as a sequence; dropping it cancels.
    func sequence() -> AsyncThrowingStream<ByteBuffer, any Error> {
        let reader = Reader(stream: self)
        return AsyncThrowingStream { try await reader.stream.next() }
    }

    private final class Reader: Sendable {
        let stream: AnswerStream
        init(stream: AnswerStream) { self.stream = stream }
        deinit { self.stream.cancel() }
    }
}
