internal import RedisClient
public import Registry

/// What a session has of an instance's permits and what it wants; see `PermitHolder` for the rules behind it.
public struct PermitAsk: Hashable, Sendable {
    public var instance: InstanceKey
    /// Above that of the session's last call for this instance.
    public var number: Int64
    public var held: Int
    public var inFlight: Int
    public var want: Int
    /// So many are kept in stock if nobody else needs them.
    public var stock: Int
    public var limit: Int
    /// Of the change that set the limit: the newest one counts.
    public var limitEpoch: Epoch

    public init(
        instance: InstanceKey,
        number: Int64,
        held: Int,
        inFlight: Int,
        want: Int,
        stock: Int = 0,
        limit: Int,
        limitEpoch: Epoch
    ) {
        self.instance = instance
        self.number = number
        self.held = held
        self.inFlight = inFlight
        self.want = want
        self.stock = stock
        self.limit = limit
        self.limitEpoch = limitEpoch
    }

    var words: [RedisWord] {
        [RedisWord(self.instance.description)]
            + [
                self.number, Int64(self.held), Int64(self.inFlight), Int64(self.want), Int64(self.stock),
                Int64(self.limit), self.limitEpoch.rawValue,
            ].map { RedisWord($0) }
    }
}

/// Redis' answer to one ask.
public enum PermitAnswer: Hashable, Sendable {
    case held(Holding)
    /// A call with this number was here before.
    case stale(number: Int64)

    /// What the session holds now, and what the others need.
    public struct Holding: Hashable, Sendable {
        public var granted: Int
        public var limit: Int
        /// Others who wait and have less than their share.
        public var entitled: Int
        /// What everybody who holds or waits may count on.
        public var share: Int
        public var number: Int64
        /// Others who wait.
        public var waiters: Int
        /// How much more than the limit is out.
        public var over: Int
        /// Redis is new: nothing is granted to anybody yet.
        public var isFrozen: Bool

        public init(
            granted: Int,
            limit: Int,
            entitled: Int = 0,
            share: Int,
            number: Int64,
            waiters: Int = 0,
            over: Int = 0,
            isFrozen: Bool = false
        ) {
            self.granted = granted
            self.limit = limit
            self.entitled = entitled
            self.share = share
            self.number = number
            self.waiters = waiters
            self.over = over
            self.isFrozen = isFrozen
        }
    }
}

extension ClusterState {
    /// Settles permits of several instances in one call, at most `permitAsksMax`.
    ///
    /// - Returns: One answer per ask, in their order; nil when the session is over and holds nothing.
    public func leasePermits(_ asks: [PermitAsk], session: String) async throws(StateError) -> [PermitAnswer]? {
        precondition(asks.count <= Self.permitAsksMax, "\(asks.count) asks in one call")
        var reply = try await self.call("permit_lease", [RedisWord(session)] + asks.flatMap(\.words))
        switch try reply.text() {
        case "lapsed": return nil
        case "ok": break
        case let status: throw StateError(.unreadable, "permit_lease answered \(status)")
        }
        var answers: [PermitAnswer] = []
        for item in reply.rest() { answers.append(try Self.answer(item)) }
        guard answers.count == asks.count else {
            throw StateError(.unreadable, "permit_lease gave \(answers.count) answers to \(asks.count) asks")
        }
        return answers
    }

    /// Forgets what the session held of an instance that is gone.
    public func forgetPermits(of instance: InstanceKey, session: String) async throws(StateError) {
        _ = try await self.call("permit_forget", [RedisWord(session), RedisWord(instance.description)])
    }

    /// Keeps a call below a millisecond in Redis.
    public static let permitAsksMax = 64

    private static func answer(_ value: RedisValue) throws(StateError) -> PermitAnswer {
        var part = try ReplyReader(value, of: "permit_lease")
        switch try part.text() {
        case "stale": return .stale(number: try part.integer())
        case "held": break
        case let status: throw StateError(.unreadable, "permit_lease answered \(status)")
        }
        var numbers: [Int64] = []
        for _ in 0..<8 { numbers.append(try part.integer()) }
        return .held(
            .init(
                granted: Int(numbers[0]),
                limit: Int(numbers[1]),
                entitled: Int(numbers[2]),
                share: Int(numbers[3]),
                number: numbers[4],
                waiters: Int(numbers[5]),
                over: Int(numbers[6]),
                isFrozen: numbers[7] != 0
            )
        )
    }
}
