internal import NIOCore
internal import NIOPosix
internal import Registry
internal import Synchronization

/// Reads, translates and combines bodies on the event loop when they are small, and on a thread what would hold the loop
/// too long.
///
/// Measured: 2 ms to translate 64 KB of numbers, 50 to 75 ms for 1 MB, in either direction; every other request of the
/// loop waits for that. What waits for a thread is bounded in bytes over all loops, and in time.
final class TranslationWorkers: Sendable {
    static let loopBytesMax = 64 * 1024
    static let waitingBytesMax = 64 * 1024 * 1024
    static let waitMax = Duration.seconds(5)

    /// Over all loops, with those that are being worked on.
    let waitingBytes = Atomic<Int>(0)

    /// Calls back on the loop: at once for what is small.
    func run<Translated: Sendable>(
        _ body: [UInt8],
        on loop: any EventLoop,
        _ work: @escaping @Sendable ([UInt8]) throws(Refusal) -> Translated,
        _ use: @escaping (Result<Translated, Refusal>) -> Void
    ) {
        self.run(weighing: body.count, on: loop, { () throws(Refusal) in try work(body) }, use)
    }

    /// The same for work on something that was made of so many bytes, and, where nobody waits, for less.
    func run<Translated: Sendable>(
        weighing bytes: Int,
        above limit: Int = TranslationWorkers.loopBytesMax,
        on loop: any EventLoop,
        _ work: @escaping @Sendable () throws(Refusal) -> Translated,
        _ use: @escaping (Result<Translated, Refusal>) -> Void
    ) {
        guard bytes > limit else { return use(Self.result(of: work)) }
        let waiting = self.waitingBytes.wrappingAdd(bytes, ordering: .relaxed).newValue
        guard waiting <= Self.waitingBytesMax || waiting == bytes else {
            self.waitingBytes.wrappingSubtract(bytes, ordering: .relaxed)
            return use(.failure(Self.overloaded))
        }
        let began = MonotonicClock.now()
        NIOThreadPool.singleton.runIfActive(eventLoop: loop) { () -> Result<Translated, Refusal> in
            guard MonotonicClock.now() - began < Self.waitMax else { return .failure(Self.overloaded) }
            return Self.result(of: work)
        }.assumeIsolated().whenComplete { result in
            self.waitingBytes.wrappingSubtract(bytes, ordering: .relaxed)
            switch result {
            case .success(let result): use(result)
            case .failure: use(.failure(Self.overloaded))
            }
        }
    }

    private static func result<Translated>(
        of work: () throws(Refusal) -> Translated
    ) -> Result<Translated, Refusal> {
        do throws(Refusal) {
            return .success(try work())
        } catch {
            return .failure(error)
        }
    }

    private static var overloaded: Refusal {
        Refusal(Problem(.overloaded, "too many large bodies wait to be read", retryAfter: 1))
    }
}
