import ControlLoops
import Registry

/// Stands for the shared truth: services with their source, and what of the file was applied.
actor FakeRegistry: DiscoveryCommands {
    struct Away: Error {}
    struct Fenced: Error {}

    private(set) var services: [String: (definition: ServiceDefinition, source: Service.Source)] = [:]
    private(set) var applied: [String: String] = [:]
    /// Every command that was carried out, such as `register a file`.
    private(set) var commands: [String] = []
    /// Commands that still succeed before the store goes away.
    private var commandsLeft = Int.max
    private var refused: Set<String> = []
    private var newestTerm = Term.none

    func goAway(after commands: Int = 0) { self.commandsLeft = commands }
    func comeBack() { self.commandsLeft = .max }
    func refuse(_ name: String) { self.refused.insert(name) }

    func register(_ definition: ServiceDefinition, source: Service.Source, under term: Term) throws {
        try self.spend(term)
        if self.refused.contains(definition.id.text) { throw CommandRefused("too odd") }
        self.services[definition.id.text] = (definition, source)
        self.commands.append("register \(definition.id) \(source.rawValue)")
    }

    func remove(_ id: ServiceID, source: Service.Source, under term: Term) throws {
        try self.spend(term)
        guard self.services[id.text]?.source == source else { return }
        self.services[id.text] = nil
        self.commands.append("remove \(id)")
    }

    func appliedFile() throws -> [String: String] {
        if self.commandsLeft == 0 { throw Away() }
        return self.applied
    }

    func setAppliedFile(_ applied: [String: String], under term: Term) throws {
        if term < self.newestTerm { throw Fenced() }
        self.applied = applied
    }

    /// What the API does.
    func register(_ definition: ServiceDefinition) {
        self.services[definition.id.text] = (definition, .api)
        self.commands.append("register \(definition.id) api")
    }

    /// A newer leader was chosen.
    func depose(before term: Term) { self.newestTerm = term }

    private func spend(_ term: Term) throws {
        if term < self.newestTerm { throw Fenced() }
        if self.commandsLeft == 0 { throw Away() }
        if self.commandsLeft != .max { self.commandsLeft -= 1 }
    }
}
