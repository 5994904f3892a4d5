/// Decides when a full Redis is news, and when it is over.
///
/// What only reads or frees memory goes on in a full Redis, so that such a function succeeded says nothing: what counts
/// is one that was refused before.
/// The hard case is a Redis at its limit, which refuses and takes by turns: that is one outage, until nothing was refused
/// for `restMin`.
struct FullStoreMachine: Hashable, Sendable {
    /// Refused in this outage; at most as many as there are functions.
    private var functions: Set<String> = []
    private var refusedAt: ContinuousClock.Instant?
    /// Whether something went through again since.
    private var hasRoom = false

    static let restMin = Duration.seconds(10)

    enum RefuseAction: Hashable, Sendable { case nothing, tellFull }

    mutating func refused(_ function: String, now: ContinuousClock.Instant) -> RefuseAction {
        let isOver = self.hasRoom && self.hasRested(now)
        let isNew = self.functions.isEmpty || isOver
        if isOver { self.functions = [] }
        self.functions.insert(function)
        (self.refusedAt, self.hasRoom) = (now, false)
        return isNew ? .tellFull : .nothing
    }

    enum SucceedAction: Hashable, Sendable { case nothing, tellRoom }

    mutating func succeeded(_ function: String, now: ContinuousClock.Instant) -> SucceedAction {
        guard self.functions.contains(function) else { return .nothing }
        self.hasRoom = true
        guard self.hasRested(now) else { return .nothing }
        self = FullStoreMachine()
        return .tellRoom
    }

    private func hasRested(_ now: ContinuousClock.Instant) -> Bool {
        self.refusedAt.map { now - $0 >= Self.restMin } ?? true
    }
}
