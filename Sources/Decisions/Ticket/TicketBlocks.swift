public import Registry

/// Gives one replica's requests of one pool their round-robin tickets, from blocks reserved ahead of need.
///
/// Intuition: one roll of numbered tickets for the whole cluster, off which each counter tears a strip before the last
/// one is used up. A strip is as long as 250 ms of custom, for tearing costs far more than a ticket is worth; where few
/// come, one ticket. How long a strip is does not matter to the shares.
/// The hard case is a slow or absent Redis. Nobody waits for a ticket: it is borrowed from a roll of one's own, and the
/// turn that was borrowed is repaid: the next ticket of the strip that would give the same instance its turn is dropped.
/// Why this keeps the shares equal: a run of consecutive tickets, taken modulo m, uses each of m instances equally often
/// but for one. All strips together are one run. A replica adds two more uneven things at most: a ticket that is under
/// way, and turns borrowed meanwhile; strips of several tickets are whole rounds, and even. So with R replicas the most
/// and the least used instance are at most 2R apart (of the tickets under way the latest ends the run: it costs nothing).
/// Three rules follow. Single tickets are asked for only when nothing is in store. After an answer that did not come,
/// or while something is owed, whole rounds are asked for: what is lost of those is even. A turn is borrowed of an
/// instance that none is owed of.
public struct TicketBlocks: Hashable, Sendable {
    /// Lowest rate, per second, that gets more than one ticket at a time.
    public static let rateMin = 50.0
    /// What a block is good for.
    public static let blockTime = Duration.milliseconds(250)
    public static let blockMin = 8
    public static let blockMax = 4096
    /// How long a rate is measured.
    private static let measureTime = Duration.milliseconds(100)

    private var present: Range<UInt64> = 0..<0
    private var presentSize = 0
    private var next: Range<UInt64> = 0..<0
    private var local: UInt64
    /// Whose turns were borrowed and not repaid yet: tickets modulo `members`, each once, fewer than all.
    private var owed: [UInt64] = []
    private var members = 1
    /// A block was asked for and has not come.
    private var isAsked = false
    private var taken = 0
    private var measuredAt: Instant?
    /// Requests per second, as last measured.
    public private(set) var rate = 0.0

    /// - Parameter start: Where the roll of one's own begins, another number on each replica.
    public init(localStart start: UInt64) {
        self.local = start
    }

    /// Consecutive tickets, and whether it is time to reserve more.
    public struct Run: Hashable, Sendable {
        /// Never empty.
        public let numbers: Range<UInt64>
        /// False while Redis' tickets last.
        public let isLocal: Bool
        public let asksForMore: Bool
    }

    /// The next tickets of `members` that take turns: a quarter of a block at most; never waits.
    public mutating func take(members: Int) -> Run {
        self.follow(members)
        self.skipRepaid()
        guard let first = self.present.first else {
            let number = self.borrow()
            self.taken += 1
            return Run(numbers: number..<number + 1, isLocal: true, asksForMore: true)
        }
        var end = first + 1
        let most = min(self.present.upperBound, first + UInt64(max(1, self.presentSize / 4)))
        while end < most, !self.isOwed(end) { end += 1 }
        self.present = end..<self.present.upperBound
        self.taken += Int(end - first)
        return Run(numbers: first..<end, isLocal: false, asksForMore: self.isLow)
    }

    /// How many tickets to reserve now, for so many instances that share them; nil when there are enough. Whoever is
    /// given a number asks for them, and asks again only when the block has come or will not come any more.
    public mutating func demand(members: Int, now: Instant) -> Int? {
        self.measure(now: now)
        self.follow(members)
        guard self.isLow else { return nil }
        let isUncertain = self.isAsked || !self.owed.isEmpty
        self.isAsked = true
        if self.rate < Self.rateMin, isUncertain { return Self.inRounds(1, members: members) }
        return Self.blockSize(rate: self.rate, members: members)
    }

    /// A block was reserved. Beyond one block in store it is dropped: that costs an even share, no order.
    public mutating func grant(first: UInt64, count: Int) {
        self.isAsked = false
        guard self.next.isEmpty else { return }
        self.next = first..<(first + UInt64(count))
        if self.present.isEmpty { self.turnToNext() }
    }

    /// One when slow; else what `blockTime` needs, in whole rounds of the members where that fits.
    static func blockSize(rate: Double, members: Int) -> Int {
        guard rate >= Self.rateMin else { return 1 }
        let needed = Int((rate * Self.blockTime.inSeconds).rounded(.up))
        return Self.inRounds(min(Self.blockMax, max(Self.blockMin, needed)), members: members)
    }

    private static func inRounds(_ size: Int, members: Int) -> Int {
        guard members > 1, members <= Self.blockMax else { return size }
        return min((size + members - 1) / members, Self.blockMax / members) * members
    }

    /// The number that `take` would give first, unless its turn was borrowed before.
    public var upcoming: UInt64 { self.present.first ?? self.next.first ?? self.local }

    private var isLow: Bool {
        let reserve = self.rate < Self.rateMin ? 0 : self.presentSize / 2
        return self.next.isEmpty && self.present.count <= reserve
    }

    // MARK: Borrowing

    /// Other instances take turns now: what was owed to the earlier ones means nothing any more.
    private mutating func follow(_ members: Int) {
        guard members != self.members else { return }
        self.members = max(1, members)
        self.owed = []
    }

    private func isOwed(_ number: UInt64) -> Bool {
        !self.owed.isEmpty && self.owed.contains(number % UInt64(self.members))
    }

    private mutating func borrow() -> UInt64 {
        while self.isOwed(self.local) { self.local &+= 1 }
        defer { self.local &+= 1 }
        self.owed.append(self.local % UInt64(self.members))
        // A whole round is even: nothing is left to be repaid.
        if self.owed.count == self.members { self.owed = [] }
        return self.local
    }

    /// Drops tickets whose turn was taken before they came.
    private mutating func skipRepaid() {
        while true {
            if self.present.isEmpty { self.turnToNext() }
            guard let number = self.present.first, self.isOwed(number) else { return }
            self.owed.removeAll { $0 == number % UInt64(self.members) }
            self.present = self.present.dropFirst()
        }
    }

    private mutating func turnToNext() {
        (self.present, self.presentSize, self.next) = (self.next, self.next.count, 0..<0)
    }

    private mutating func measure(now: Instant) {
        guard let since = self.measuredAt else {
            (self.measuredAt, self.taken) = (now, 0)
            return
        }
        guard now - since >= Self.measureTime else { return }
        self.rate = Double(self.taken) / (now - since).inSeconds
        (self.measuredAt, self.taken) = (now, 0)
    }
}
