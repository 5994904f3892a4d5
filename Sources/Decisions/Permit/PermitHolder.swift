public import Registry

/// Holds one replica's permits of one instance: how many requests may be in flight there from here.
///
/// Intuition: a till that lends from one bank. What lies in the till is spent without asking; the bank is told the
/// whole content of the till, never the difference, and each letter is numbered; the till is emptied before the bank is
/// told, and filled only when the bank has said so.
/// The hard case is a lost letter: nobody knows whether the bank read it. The till then counts what it had declared,
/// which the bank never takes away by itself, and writes again under a higher number.
/// The other hard case is a bank that has lost its books (Redis was emptied). It then lends nothing for a while, and
/// believes what the tills claim they had; at any other time a claim from an earlier session is worth nothing.
/// Invariants: one call under way at a time; `held` never exceeds what Redis counts for this session while the session
/// lives; it falls before Redis is told, and rises only by an answer. Requests in flight may exceed `held` for a while
/// after it fell: they are facts, reported as such, and nothing is admitted until enough of them have ended.
public struct PermitHolder: Hashable, Sendable {
    /// What an instance needs from here now.
    public struct Demand: Hashable, Sendable {
        public var limit: Int
        /// Of the change that set the limit.
        public var limitEpoch: Epoch
        public var inFlight: Int
        /// Requests that wait for a permit here.
        public var waiting: Int

        public init(limit: Int, limitEpoch: Epoch, inFlight: Int, waiting: Int) {
            self.limit = limit
            self.limitEpoch = limitEpoch
            self.inFlight = inFlight
            self.waiting = waiting
        }

        var need: Int { min(self.limit, self.inFlight + self.waiting) }
    }

    /// What Redis is to be told.
    public struct Ask: Hashable, Sendable {
        public let number: Int64
        public let held: Int
        public let inFlight: Int
        public let want: Int
        /// So many are had in stock if nobody else needs them.
        public let stock: Int
        public let limit: Int
        public let limitEpoch: Epoch
    }

    /// What Redis said.
    public struct Answer: Hashable, Sendable {
        public var granted: Int
        /// Others who wait and have less than their share.
        public var entitled: Int
        public var share: Int
        /// Others who wait.
        public var waiters: Int
        /// How much more than the limit is out.
        public var over: Int
        /// Redis is new and grants nothing to anybody yet.
        public var isFrozen: Bool

        public init(
            granted: Int,
            entitled: Int = 0,
            share: Int,
            waiters: Int = 0,
            over: Int = 0,
            isFrozen: Bool = false
        ) {
            self.granted = granted
            self.entitled = entitled
            self.share = share
            self.waiters = waiters
            self.over = over
            self.isFrozen = isFrozen
        }
    }

    /// How many requests may be in flight from here.
    public private(set) var held = 0
    /// What Redis counts for us; nil after a lost answer.
    public private(set) var granted: Int? = 0
    private let onLoss: LimitOnLoss
    /// What was held in a session that is over, until Redis has judged that.
    private var claim = 0
    /// Whether Redis has said in this session what is held.
    private var isStocked = false
    private var number: Int64 = 0
    private var asked: Int64?
    private var askedEpoch = Epoch.zero
    private var askAgainAt: Instant?
    private var restockAt: Instant?
    private var toldEpoch = Epoch.zero
    private var others: Answer?
    private var othersUntil: Instant?
    private var peak = 1
    private var peakHalvesAt: Instant?
    private var shown = 0
    /// What was granted last has not been offered to those who wait here.
    private var isFresh = false

    /// How long an unmet want waits before it is repeated; a signal shortens it.
    public static let retryInterval = Duration.milliseconds(250)
    /// Whoever holds nothing asks so often for one to have in stock: if Redis goes away, the instance is not lost to it.
    public static let restockInterval = Duration.seconds(2)
    /// How long the others' needs are believed.
    public static let beat = Duration.seconds(1)
    /// How often the memory of the peak is halved: what nobody else wants is kept for the next one.
    public static let peakInterval = Duration.seconds(5)

    public init(onLoss: LimitOnLoss = .hold) {
        self.onLoss = onLoss
    }

    public enum SettleAction: Hashable, Sendable {
        case nothing
        /// From now on so many requests may be in flight.
        case admit(upTo: Int)
    }

    /// Gives back what others need more, and says what local admission may use. When the session does not live for
    /// sure, `LIMIT_ON_REDIS_LOSS` decides.
    public mutating func settle(_ demand: Demand, isTrusted: Bool, now: Instant) -> SettleAction {
        self.rememberPeak(demand, now: now)
        if let until = self.othersUntil, until <= now { (self.others, self.othersUntil) = (nil, nil) }
        self.held = min(self.held, self.holdingMax(demand))
        self.isFresh = false
        let admitted = isTrusted || self.onLoss == .hold ? self.held : 0
        guard admitted != self.shown else { return .nothing }
        self.shown = admitted
        return .admit(upTo: admitted)
    }

    /// What to tell Redis, if anything; call it after what `settle` said was done, with what is in flight then.
    /// Whoever is given an ask reports `answered`, `stale` or `failed` for it.
    public mutating func ask(_ demand: Demand, now: Instant) -> Ask? {
        guard self.asked == nil, self.hasReason(demand, now: now) else { return nil }
        self.number += 1
        self.asked = self.number
        self.askedEpoch = demand.limitEpoch
        return Ask(
            number: self.number,
            held: max(self.held, self.claim),
            inFlight: demand.inFlight,
            want: max(self.held, demand.inFlight, demand.need),
            stock: min(demand.limit, 1),
            limit: demand.limit,
            limitEpoch: demand.limitEpoch
        )
    }

    /// Redis answered the ask of this number; an answer to any other ask says nothing about now. `settle` follows.
    public mutating func answered(_ answer: Answer, number: Int64, now: Instant) {
        guard number == self.asked else { return }
        self.asked = nil
        (self.claim, self.isStocked) = (0, !answer.isFrozen)
        self.toldEpoch = max(self.toldEpoch, self.askedEpoch)
        self.granted = answer.granted
        self.held = answer.granted
        self.isFresh = true
        self.others = answer
        self.othersUntil = now + Self.beat
        self.askAgainAt = now + Self.retryInterval
        self.restockAt = now + Self.restockInterval
    }

    /// Redis knows a later call of this session: go on above its number.
    public mutating func stale(_ stored: Int64, number: Int64) {
        guard number == self.asked else { return }
        self.asked = nil
        self.number = max(self.number, stored)
        self.granted = nil
        self.askAgainAt = nil
    }

    /// No answer came; the call may have been heard.
    public mutating func failed(number: Int64, now: Instant) {
        guard number == self.asked else { return }
        self.asked = nil
        self.granted = nil
        self.askAgainAt = now + Self.retryInterval
    }

    /// The session is over: nothing is held any more. Requests in flight are declared in the next one, and what was
    /// held is claimed there.
    public mutating func lost() {
        self.claim = max(self.claim, self.held)
        self.isStocked = false
        self.held = 0
        self.granted = 0
        self.asked = nil
        (self.others, self.othersUntil) = (nil, nil)
        self.toldEpoch = .zero
        self.askAgainAt = nil
    }

    /// A signal: another replica waits for permits of the instance.
    public mutating func heardWant(now: Instant) {
        var others = self.others ?? Answer(granted: self.held, share: self.held)
        others.waiters = max(1, others.waiters)
        self.others = others
        self.othersUntil = now + Self.beat
    }

    /// A signal: permits of the instance became free.
    public mutating func heardFree() {
        self.askAgainAt = nil
    }

    /// Whether what ends here could be somebody else's: others want permits, as far as was heard, or Redis counts more
    /// of ours than are held.
    public var isWanted: Bool {
        guard let granted = self.granted, granted <= self.held else { return true }
        return self.others.map { $0.waiters > 0 || $0.entitled > 0 || $0.over > 0 } ?? false
    }

    /// Whether Redis has nothing of ours, as far as we know.
    public var isEmpty: Bool { self.granted == 0 && self.asked == nil }

    private mutating func rememberPeak(_ demand: Demand, now: Instant) {
        if let at = self.peakHalvesAt, at <= now {
            self.peak /= 2
            self.peakHalvesAt = now + Self.peakInterval
        }
        self.peakHalvesAt = self.peakHalvesAt ?? now + Self.peakInterval
        self.peak = max(self.peak, demand.need, 1)
    }

    /// How much may be kept, given what the others need.
    private func holdingMax(_ demand: Demand) -> Int {
        let isQueueEmpty = demand.waiting == 0
        guard let others = self.others else { return isQueueEmpty ? max(demand.inFlight, self.peak) : self.held }
        if others.over > 0 { return max(0, (self.granted ?? self.held) - others.over) }
        // A turn that was granted is taken before it is passed on; else permits would go round unused.
        if others.entitled > 0, self.held > others.share {
            return self.isFresh && !isQueueEmpty ? self.held : others.share
        }
        if isQueueEmpty { return others.waiters > 0 ? demand.inFlight : max(demand.inFlight, self.peak) }
        return self.held
    }

    private func hasReason(_ demand: Demand, now: Instant) -> Bool {
        let mayRepeat = self.askAgainAt.map { $0 <= now } ?? true
        guard let granted = self.granted, self.isStocked else { return mayRepeat }
        if granted > max(self.held, demand.inFlight) { return true }
        if granted == 0, demand.limit > 0, self.restockAt.map({ $0 <= now }) ?? true { return true }
        if demand.inFlight > granted { return mayRepeat }
        if demand.limitEpoch > self.toldEpoch, granted > 0 { return true }
        return demand.waiting > 0 && demand.need > self.held && mayRepeat
    }
}
