public import Registry

/// Decides until when a replica may begin requests with what it knows, and when it has to catch up first.
///
/// Intuition: a clerk who may decide by yesterday's list as long as everybody agreed to wait for him, and who after a nap
/// reads the new one before he opens the window; unless nobody brings it, then he opens and says so.
/// The agreement is the session: whoever must know that all replicas use a change waits for each session to say so or to
/// lapse. A session that goes on proves that nothing passed without this replica; a new one proves nothing, so the
/// replica first reads up to where the store stood after it was opened.
/// The hard case is to tell a pause from a store that is away, because both make leases run out: beats that go
/// unanswered while this machine is ticking are evidence for the latter, and a tick that comes late makes it void.
public struct CatchUpMachine: Hashable, Sendable {
    /// Requests may begin before this instant; nil: at any time.
    public private(set) var serveUntil: Instant?
    /// Since when this replica goes on although it may have missed something; nil: it has not.
    public private(set) var cutOffSince: Instant?
    /// The session in which everything before it is known.
    private var caughtUp: Int?
    private var unansweredSince: Instant?
    private var lastTick: Instant?

    /// Beats unanswered for so long: the store is away.
    public static let patience = Duration.seconds(1)
    /// Between two ticks at most; later ones mean that the replica did not run.
    public static let tickMax = Duration.seconds(1)

    public init() {}

    public enum TrustAction: Hashable, Sendable {
        case nothing
        /// Read up to where the store stands now, then say `caughtUp`.
        case catchUp(ordinal: Int)
    }

    /// The session can be trusted until the instant.
    public mutating func trusted(ordinal: Int, until: Instant) -> TrustAction {
        guard ordinal == self.caughtUp else { return .catchUp(ordinal: ordinal) }
        self.serveUntil = until
        self.cutOffSince = nil
        self.unansweredSince = nil
        return .nothing
    }

    /// Everything before the session is known.
    public mutating func caughtUp(ordinal: Int) {
        self.caughtUp = ordinal
    }

    /// To be called often. `isAnswered`: whether the store answered the latest beat.
    public mutating func tick(now: Instant, isAnswered: Bool) {
        let hasSlept = self.lastTick.map { now - $0 > Self.tickMax } ?? false
        self.lastTick = now
        if hasSlept || isAnswered { self.unansweredSince = nil }
        guard !isAnswered, self.serveUntil != nil else { return }
        let since = self.unansweredSince ?? now
        self.unansweredSince = since
        if now - since >= Self.patience { self.goOn(now: now) }
    }

    /// Requests waited too long: they go on with what is known. The next trusted session ends that.
    public mutating func goOn(now: Instant) {
        self.serveUntil = nil
        self.cutOffSince = self.cutOffSince ?? now
    }
}
