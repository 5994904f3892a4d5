/// Which server is the primary, by what sentinels say: whom to ask next, whom to believe, when to leave.
///
/// Intuition: asking the way. Passers-by are asked one after another until the place that one of them names turns out
/// to be the right one; who was right is asked first the next time. A name counts for nothing until the server itself
/// says that it is a primary.
/// The hard case is a sentinel that was cut off together with the old primary: it still names it, and the old primary
/// still says that it is one. Sentinels number their decisions (`configEpoch`); an answer below the highest number seen
/// is only believed when no sentinel knows better, as after all of them were set up anew.
/// Bounded: each sentinel is asked once a round, and each server tried once; at most `sentinelsMax` are remembered.
struct SentinelMachine: Sendable, Equatable {
    typealias Host = RedisAddress.SentinelHost

    enum Step: Sendable, Equatable {
        case ask(Host)
        /// See whether this is a usable primary.
        case connect(Host)
        /// Nobody knows a usable primary now: wait, then begin again.
        case giveUp(RedisError)
    }

    private struct Round: Sendable, Equatable {
        var unasked: [Host]
        /// Answers older than what is known, for when there are no others.
        var older: [Told] = []
        var tried: Set<Host> = []
        var failures: [Failure] = []
        var told: Told?
    }

    private struct Told: Sendable, Equatable {
        let sentinel: Host
        let answer: SentinelAnswer
    }

    private struct Failure: Sendable, Equatable {
        let host: Host
        let error: RedisError
    }

    static let sentinelsMax = 16

    private let configured: [Host]
    /// In the order in which they are asked.
    private(set) var sentinels: [Host]
    /// The server in use.
    private(set) var primary: Host?
    private var configEpoch: Int64 = 0
    private var round: Round?

    init(_ sentinels: [Host]) {
        self.configured = Array(sentinels.prefix(Self.sentinelsMax))
        self.sentinels = self.configured
    }

    /// There is no connection: the asking begins anew.
    mutating func begin() -> Step {
        self.primary = nil
        self.round = Round(unasked: self.sentinels)
        return self.next()
    }

    /// A sentinel answered.
    mutating func answered(_ sentinel: Host, _ answer: SentinelAnswer) -> Step {
        let told = Told(sentinel: sentinel, answer: answer)
        if let epoch = answer.configEpoch, epoch < self.configEpoch {
            self.round?.older.append(told)
            return self.next()
        }
        return self.believe(told)
    }

    /// A sentinel could not be asked, or did not know.
    mutating func failed(_ sentinel: Host, _ error: RedisError) -> Step {
        self.round?.failures.append(Failure(host: sentinel, error: error))
        return self.next()
    }

    /// The server that a sentinel named cannot be reached or is no primary.
    mutating func refused(_ server: Host, _ error: RedisError) -> Step {
        self.round?.failures.append(Failure(host: server, error: error))
        return self.next()
    }

    /// The server is a usable primary, and in use from now on.
    mutating func connected(_ server: Host) {
        self.primary = server
        if let told = self.round?.told { self.remember(told) }
        self.round = nil
    }

    /// A sentinel says unasked who is the primary; a hint, which may be late. True: leave the server in use.
    mutating func hinted(_ server: Host, configEpoch: Int64? = nil) -> Bool {
        if let configEpoch, configEpoch < self.configEpoch { return false }
        return self.primary != nil && self.primary != server
    }

    private mutating func next() -> Step {
        guard let sentinel = self.round?.unasked.first else { return self.lastResort() }
        self.round?.unasked.removeFirst()
        return .ask(sentinel)
    }

    private mutating func lastResort() -> Step {
        let older = (self.round?.older ?? []).sorted { ($0.answer.configEpoch ?? 0) > ($1.answer.configEpoch ?? 0) }
        guard let newest = older.first else { return .giveUp(self.complaint()) }
        self.round?.older = Array(older.dropFirst())
        return self.believe(newest)
    }

    private mutating func believe(_ told: Told) -> Step {
        let isNew = self.round?.tried.insert(told.answer.primary).inserted ?? false
        guard isNew else { return self.next() }
        self.round?.told = told
        return .connect(told.answer.primary)
    }

    /// Who was right is asked first; then those that were configured; then those that only sentinels know, whose
    /// addresses may be of use among themselves alone.
    private mutating func remember(_ told: Told) {
        var order = [told.sentinel]
        for host in self.configured + told.answer.others where !order.contains(host) { order.append(host) }
        self.sentinels = Array(order.prefix(Self.sentinelsMax))
        if let epoch = told.answer.configEpoch { self.configEpoch = epoch }
    }

    /// Its code decides how long to wait: wrong credentials everywhere are no failover.
    private func complaint() -> RedisError {
        let failures = self.round?.failures ?? []
        let codes = Set(failures.map(\.error.code))
        let code = codes.count == 1 ? codes.first ?? .connectFailed : .connectFailed
        let reasons = failures.suffix(4).map { "\($0.host): \($0.error.message)" }.joined(separator: "; ")
        return RedisError(code, "the sentinels know no usable primary: \(reasons)")
    }
}

extension RedisAddress.SentinelHost: CustomStringConvertible {
    public var description: String { "\(self.host.contains(":") ? "[\(self.host)]" : self.host):\(self.port)" }
}
