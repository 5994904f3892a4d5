/// The versions this service has, in the order it came by them, and which of them answer.
///
/// The hard case is `latest`: the service cannot know what the manager switched to, so on its own it means the first
/// version that is ready. A manager that resolved the version says so in a header (see `PredictRoutes`).
struct ModelShelf: Sendable, Equatable {
    static let versionsMax = 32
    static let latest = "latest"

    enum State: String, Sendable, Codable {
        /// Kept, but does not answer. Can move to `ready`.
        case unloaded
        /// Answers predictions. Can move to `unloaded`.
        case ready
    }

    struct Entry: Sendable, Equatable {
        let version: String
        let forecaster: Forecaster
        var state: State
    }

    enum FindAction: Sendable, Equatable {
        case answer(version: String, Forecaster)
        case refuseUnknown
        case refuseUnloaded
    }

    enum PutAction: Sendable, Equatable { case done, refuseTaken, refuseFull }

    private(set) var entries: [Entry] = []

    /// What `latest` means here; nil when nothing is ready.
    var current: String? { self.entries.first { $0.state == .ready }?.version }

    /// A name for a version that was trained without one: the first free of `v1`, `v2`, …
    func freeName(besides taken: Set<String> = []) -> String {
        let names = taken.union(self.entries.map(\.version))
        var number = 1
        while names.contains("v\(number)") { number += 1 }
        return "v\(number)"
    }

    func contains(_ version: String) -> Bool { self.entries.contains { $0.version == version } }

    /// Finds who answers for a version; nil and `latest` mean `current`.
    func find(_ version: String?) -> FindAction {
        let named = version == nil || version == Self.latest ? self.current : version
        guard let named, let entry = self.entries.first(where: { $0.version == named }) else { return .refuseUnknown }
        return entry.state == .ready ? .answer(version: named, entry.forecaster) : .refuseUnloaded
    }

    mutating func put(_ version: String, _ forecaster: Forecaster, state: State) -> PutAction {
        guard !self.contains(version) else { return .refuseTaken }
        guard self.entries.count < Self.versionsMax else { return .refuseFull }
        self.entries.append(Entry(version: version, forecaster: forecaster, state: state))
        return .done
    }

    /// - Returns: false when there is no such version.
    mutating func set(_ version: String, to state: State) -> Bool {
        guard let index = self.entries.firstIndex(where: { $0.version == version }) else { return false }
        self.entries[index].state = state
        return true
    }
}
