internal import NIOCore
internal import NIOPosix
internal import Registry
internal import Synchronization

/// Translates on the event loop what is small, and on a thread what would hold the loop too long.
///
/// Measured: 2 ms for 64 KB of numbers, 50 to 75 ms for 1 MB, in either direction; every other request of the loop waits
/// for that. What waits for a thread is bounded in bytes over all loops, and in time.
final class TranslationWorkers: Sendable {
    static let loopBytesMax = 64 * 1024
    static let waitingBytesMax = 64 * 1024 * 1024
    static let waitMax = Duration.seconds(5)

    private let waitingBytes = Atomic<Int>(0)

    /// Calls back on the loop: at once for what is small.
    func run<Translated: Sendable>(
        _ body: [UInt8],
        on loop: any EventLoop,
        _ work: @escaping @Sendable ([UInt8]) throws(Refusal) -> Translated,
        _ use: @escaping (Result<Translated, Refusal>) -> Void
    ) {
        guard body.count > Self.loopBytesMax else { return use(Self.result(of: work, body)) }
        let waiting = self.waitingBytes.wrappingAdd(body.count, ordering: .relaxed).newValue
        guard waiting <= Self.waitingBytesMax || waiting == body.count else {
            self.waitingBytes.wrappingSubtract(body.count, ordering: .relaxed)
            return use(.failure(Self.overloaded))
        }
        let began = MonotonicClock.now()
        NIOThreadPool.singleton.runIfActive(eventLoop: loop) { () -> Result<Translated, Refusal> in
            guard MonotonicClock.now() - began < Self.waitMax else { return .failure(Self.overloaded) }
            return Self.result(of: work, body)
        }.assumeIsolated().whenComplete { result in
            self.waitingBytes.wrappingSubtract(body.count, ordering: .relaxed)
            switch result {
            case .success(let result): use(result)
            case .failure: use(.failure(Self.overloaded))
            }
        }
    }

    private static func result<Translated>(
        of work: ([UInt8]) throws(Refusal) -> Translated,
        _ body: [UInt8]
    ) -> Result<Translated, Refusal> {
        do throws(Refusal) {
            return .success(try work(body))
        } catch {
            return .failure(error)
        }
    }

    private static var overloaded: Refusal {
        Refusal(Problem(.overloaded, "too many large bodies wait to be translated", retryAfter: 1))
    }
}
