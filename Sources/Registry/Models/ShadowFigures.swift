/// How a version's answers to copied requests compared with those that the callers got. All of it adds up.
public struct ShadowFigures: Hashable, Sendable {
    /// Copies that were answered, or failed.
    public var requests: Int64 = 0
    /// Copies that were not sent: too many were under way, or the request was too large to keep.
    public var skipped: Int64 = 0
    /// Of the copies, answered with 5xx or not at all.
    public var failures: Int64 = 0
    /// Of the copies, answered with another status than the caller's.
    public var statusDiffers: Int64 = 0
    /// Of the copies, those where both answers held as many numbers.
    public var compared: Int64 = 0
    /// Of those compared, the ones whose numbers were the same.
    public var equal: Int64 = 0
    /// Mean absolute difference of the numbers of an answer, summed over the answers compared.
    public var difference: Double = 0
    /// Mean absolute value of the callers' numbers, summed likewise: what the difference is to be seen against.
    public var magnitude: Double = 0
    /// Of the copies, to the first byte of the answer; and the same of the answers that callers got.
    public var latencyMicroseconds: Int64 = 0
    public var callerLatencyMicroseconds: Int64 = 0

    public init() {}

    public static func + (left: ShadowFigures, right: ShadowFigures) -> ShadowFigures { left.combined(right, by: +, +) }

    public static func - (left: ShadowFigures, right: ShadowFigures) -> ShadowFigures { left.combined(right, by: -, -) }

    private func combined(
        _ other: ShadowFigures,
        by whole: (Int64, Int64) -> Int64,
        _ real: (Double, Double) -> Double
    ) -> ShadowFigures {
        var result = self
        for path in Self.wholes { result[keyPath: path] = whole(self[keyPath: path], other[keyPath: path]) }
        for path in Self.reals { result[keyPath: path] = real(self[keyPath: path], other[keyPath: path]) }
        return result
    }

    private static var wholes: [WritableKeyPath<ShadowFigures, Int64>] {
        [
            \.requests, \.skipped, \.failures, \.statusDiffers, \.compared, \.equal, \.latencyMicroseconds,
            \.callerLatencyMicroseconds,
        ]
    }

    private static var reals: [WritableKeyPath<ShadowFigures, Double>] { [\.difference, \.magnitude] }
}
