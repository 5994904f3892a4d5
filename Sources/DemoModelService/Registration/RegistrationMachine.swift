/// Decides what a service says to its manager next, and when.
///
/// Intuition: knock until the door opens, then, with a lease, nod now and then; when the manager has forgotten the
/// service, knock again. The hard case is a manager that is up but refuses: it is asked again too, ever more slowly,
/// for what it dislikes may be a moment's state.
struct RegistrationMachine: Sendable, Equatable {
    static let pauseFirst = Duration.milliseconds(250)
    static let pauseMax = Duration.seconds(5)

    enum Action: Sendable, Equatable {
        case register(after: Duration)
        case heartbeat(after: Duration)
        /// Registered, and no lease to keep.
        case rest
    }

    private let lease: Int?
    private var failuresInRow = 0

    init(lease: Int?) { self.lease = lease }

    /// The registration was answered, or not (nil).
    mutating func registered(status: Int?) -> Action {
        guard let status, (200..<300).contains(status) else { return .register(after: self.pause()) }
        self.failuresInRow = 0
        return self.lease.map { .heartbeat(after: .seconds($0) / 3) } ?? .rest
    }

    /// The heartbeat was answered, or not (nil).
    mutating func heartbeat(status: Int?) -> Action {
        if status == 404 { return .register(after: .zero) }
        guard let lease, let status, (200..<300).contains(status) else { return .heartbeat(after: self.pause()) }
        self.failuresInRow = 0
        return .heartbeat(after: .seconds(lease) / 3)
    }

    private mutating func pause() -> Duration {
        defer { self.failuresInRow += 1 }
        return min(Self.pauseFirst * (1 << min(self.failuresInRow, 10)), Self.pauseMax)
    }
}
