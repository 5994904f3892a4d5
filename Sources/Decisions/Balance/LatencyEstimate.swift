public import Registry

/// How long one instance takes to answer, believing bad news at once and good news by and by.
///
/// "Peak EWMA" as Finagle introduced it and Linkerd uses it (finagle-core `loadbalancer/PeakEwma.scala`, linkerd2-proxy
/// `tower` `load/peak_ewma.rs`): an answer slower than the estimate replaces it at once, a faster one pulls it down with
/// the weight of the time gone by, so one slow answer is noticed before the next request is sent.
/// Our own decay is `window / (window + gone)` per step, which needs no exponential and tends to one for small steps.
/// The hard case is the instance that fails fast and would look like the best: failures count as `failureLatency`.
public struct LatencyEstimate: Hashable, Sendable {
    /// Nil before the first answer.
    private var seconds: Double?
    private var observedAt: Instant

    /// Time after which about half of an old peak is forgotten.
    public static let window: Duration = .seconds(10)
    /// What a failure counts as, if it did not take longer.
    public static let failureLatency: Duration = .seconds(5)

    public init(now: Instant) {
        self.observedAt = now
    }

    /// An answer began after `latency`.
    public mutating func observe(_ latency: Duration, now: Instant) {
        let seconds = max(0, latency.inSeconds)
        let kept = self.kept(at: now)
        self.seconds = max(seconds, seconds + ((self.seconds ?? 0) - seconds) * kept)
        self.observedAt = max(self.observedAt, now)
    }

    /// An attempt failed after `latency`.
    public mutating func observeFailure(after latency: Duration, now: Instant) {
        self.observe(max(latency, Self.failureLatency), now: now)
    }

    /// The lower, the sooner a further request is likely to be answered. An instance that nobody heard of yet gets one
    /// request at a time until it answered; an old peak fades, so that a slow instance is tried again.
    public func score(inFlight: Int, now: Instant) -> Double {
        guard let seconds = self.seconds else { return inFlight == 0 ? 0 : Double(inFlight) * 1e6 }
        return seconds * self.kept(at: now) * Double(inFlight + 1)
    }

    private func kept(at now: Instant) -> Double {
        let window = Double(Self.window.inNanoseconds)
        return window / (window + Double(max(0, (now - self.observedAt).inNanoseconds)))
    }
}
