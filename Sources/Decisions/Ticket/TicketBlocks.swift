public import Registry

/// Gives one replica's requests of one pool their round-robin tickets, from blocks reserved ahead of need.
///
/// Intuition: one roll of numbered tickets for the whole cluster, off which each counter tears a strip before the last
/// one is used up. A strip is as long as 50 ms of custom; where few come, one ticket.
/// The hard case is a slow or absent Redis. Nobody waits for a ticket: a roll of one's own, which starts elsewhere on
/// every replica, takes over, and goes on where it stopped when that happens again.
/// Why this keeps the shares equal: a run of consecutive tickets, taken modulo m, uses each of m instances equally often
/// but for one. All strips together are one run; each replica adds one unfinished strip and one roll of its own. That
/// is why strips in store are multiples of m, and why a local roll is never begun anew: with R replicas, the most and the
/// least used instance are at most 2R + 1 apart, R + 1 while no roll of one's own was needed.
public struct TicketBlocks: Hashable, Sendable {
    /// Lowest rate, per second, that gets more than one ticket at a time.
    public static let rateMin = 50.0
    /// What a block is good for.
    public static let blockTime = Duration.milliseconds(50)
    public static let blockMin = 8
    public static let blockMax = 512
    /// How long a rate is measured.
    private static let measureTime = Duration.milliseconds(100)

    private var present: Range<UInt64> = 0..<0
    private var presentSize = 0
    private var next: Range<UInt64> = 0..<0
    private var local: UInt64
    private var taken = 0
    private var measuredAt: Instant?
    /// Requests per second, as last measured.
    public private(set) var rate = 0.0

    /// - Parameter start: Where the roll of one's own begins, another number on each replica.
    public init(localStart start: UInt64) {
        self.local = start
    }

    /// A ticket, and whether it is time to reserve more.
    public struct Ticket: Hashable, Sendable {
        public let number: UInt64
        /// False while Redis' tickets last.
        public let isLocal: Bool
        public let asksForMore: Bool
    }

    /// The next ticket; never waits.
    public mutating func take() -> Ticket {
        self.taken += 1
        if self.present.isEmpty { self.turnToNext() }
        guard let number = self.present.first else {
            defer { self.local &+= 1 }
            return Ticket(number: self.local, isLocal: true, asksForMore: true)
        }
        self.present = self.present.dropFirst()
        return Ticket(number: number, isLocal: false, asksForMore: self.isLow)
    }

    /// How many tickets to reserve now, for so many instances that share them; nil when there are enough.
    public mutating func demand(members: Int, now: Instant) -> Int? {
        self.measure(now: now)
        return self.isLow ? Self.blockSize(rate: self.rate, members: members) : nil
    }

    /// A block was reserved. Beyond one block in store it is dropped: that costs an even share, no order.
    public mutating func grant(first: UInt64, count: Int) {
        guard self.next.isEmpty else { return }
        self.next = first..<(first + UInt64(count))
        if self.present.isEmpty { self.turnToNext() }
    }

    /// One when slow; else what `blockTime` needs, in whole rounds of the members where that fits.
    static func blockSize(rate: Double, members: Int) -> Int {
        guard rate >= Self.rateMin else { return 1 }
        let needed = Int((rate * Self.blockTime.inSeconds).rounded(.up))
        let size = min(Self.blockMax, max(Self.blockMin, needed))
        guard members > 1, members <= Self.blockMax else { return size }
        return min((size + members - 1) / members, Self.blockMax / members) * members
    }

    private var isLow: Bool {
        self.next.isEmpty && self.present.count <= self.presentSize / 2
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
