/// What became of some requests at one instance: one as it ends, or a batch that a loop or a replica collected.
///
/// Only what says something about the instance is in it: a busy instance (429, 503 with `Retry-After`), a 4xx or a caller
/// who left is neither success nor failure.
public struct OutcomeReport: Hashable, Sendable {
    /// `BreakerMachine.generation` when the requests were admitted; tells stragglers.
    public var generation: Int
    public var successes: Int
    public var failures: Int
    /// Failures after the last success of the batch; all of them when it had no success.
    public var trailingFailures: Int

    public init(generation: Int, successes: Int, failures: Int, trailingFailures: Int) {
        self.generation = generation
        self.successes = successes
        self.failures = failures
        self.trailingFailures = trailingFailures
    }

    public static func success(generation: Int) -> OutcomeReport {
        OutcomeReport(generation: generation, successes: 1, failures: 0, trailingFailures: 0)
    }

    public static func failure(generation: Int) -> OutcomeReport {
        OutcomeReport(generation: generation, successes: 0, failures: 1, trailingFailures: 1)
    }

    /// Takes in what came after.
    public mutating func append(_ later: OutcomeReport) {
        self.generation = later.generation
        self.trailingFailures = later.successes > 0 ? later.trailingFailures : self.trailingFailures + later.failures
        self.successes += later.successes
        self.failures += later.failures
    }
}
