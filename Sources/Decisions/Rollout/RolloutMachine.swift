public import Registry

/// Decides what becomes of a canary's present step by what was measured of it over all replicas.
///
/// Intuition: the new version gets the benefit of the doubt only as long as there is doubt. Enough requests to tell, and
/// too many of them failed: back at once. Too few to tell: wait for the end of the step, and then any excess counts.
/// It is compared with the version it replaces over the same time, so that a trouble that both have (a data base, a
/// caller sending garbage) is not held against the new one. A step in which nobody asked the new version while others
/// were asked proves nothing: it is held, and given up in the end. When nobody asks at all there is nobody to hurt either.
public enum RolloutMachine {
    /// What callers got of a version during the step.
    public struct Figures: Hashable, Sendable {
        public var requests: Int64
        public var failures: Int64
        public var latencyMicroseconds: Int64

        public init(requests: Int64, failures: Int64, latencyMicroseconds: Int64) {
            self.requests = requests
            self.failures = failures
            self.latencyMicroseconds = latencyMicroseconds
        }

        public var errorRate: Double { self.requests == 0 ? 0 : Double(self.failures) / Double(self.requests) }
        public var meanMilliseconds: Double {
            self.requests == 0 ? 0 : Double(self.latencyMicroseconds) / 1000 / Double(self.requests)
        }
    }

    public enum Action: Hashable, Sendable {
        case wait
        /// On to the next step.
        case advance(String)
        /// The last step was good: it becomes the latest.
        case settle(String)
        /// Back to the version before.
        case undo(String)
    }

    /// Requests from which a share can be told before the step ends.
    public static let requestsToTell: Int64 = 20

    public static func decide(
        _ rollout: Rollout,
        elapsed: Duration,
        new: Figures,
        old: Figures
    ) -> Action {
        let isOver = elapsed >= rollout.interval
        let canTell = new.requests >= Self.requestsToTell || (isOver && new.requests > 0)
        if canTell, let fault = Self.fault(rollout, new, old) {
            return .undo("\(fault) (\(Self.text(rollout, new, old)))")
        }
        guard isOver else { return .wait }
        let text = Self.text(rollout, new, old)
        switch rollout.hold(after: elapsed, newRequests: new.requests, oldRequests: old.requests) {
        case .unasked: return .wait
        case .givenUp: return .undo("nobody asked \(rollout.version) for \(elapsed.components.seconds) s (\(text))")
        case .none: break
        }
        return rollout.step < rollout.steps.count ? .advance(text) : .settle(text)
    }

    private static func fault(_ rollout: Rollout, _ new: Figures, _ old: Figures) -> String? {
        if new.errorRate > rollout.errorRateMax, new.errorRate > old.errorRate {
            return "errors above \(Self.percent(rollout.errorRateMax))"
        }
        if let ratio = rollout.latencyRatioMax, old.requests >= Self.requestsToTell,
            new.requests >= Self.requestsToTell, new.meanMilliseconds > ratio * old.meanMilliseconds
        {
            return "slower than \(Self.rounded(ratio)) times the version before"
        }
        return nil
    }

    private static func text(_ rollout: Rollout, _ new: Figures, _ old: Figures) -> String {
        "at \(rollout.share) %: \(rollout.version) \(Self.text(new)); \(rollout.replaces) \(Self.text(old))"
    }

    private static func text(_ figures: Figures) -> String {
        "\(figures.requests) requests, \(figures.failures) failed (\(Self.percent(figures.errorRate))), mean "
            + "\(Self.rounded(figures.meanMilliseconds)) ms"
    }

    private static func percent(_ share: Double) -> String { "\(Self.rounded(share * 100)) %" }
    private static func rounded(_ number: Double) -> String { String((number * 100).rounded() / 100) }
}
