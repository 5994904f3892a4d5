import ControlLoops
import Registry

/// Stands for the shared truth: services with their source, and what of the file was applied.
actor FakeRegistry: DiscoveryCommands {
    struct Away: Error {}

    private(set) var services: [String: (definition: ServiceDefinition, source: Service.Source)] = [:]
    private(set) var applied: [String: String] = [:]
    /// Every command that was carried out, such as `register a file`.
    private(set) var commands: [String] = []
    /// Commands that still succeed before the store goes away.
    private var commandsLeft = Int.max
    private var refused: Set<String> = []

    func goAway(after commands: Int = 0) { self.commandsLeft = commands }
    func comeBack() { self.commandsLeft = .max }
    func refuse(_ name: String) { self.refused.insert(name) }

    func register(_ definition: ServiceDefinition, source: Service.Source) throws {
        try self.spend()
        if self.refused.contains(definition.id.text) { throw CommandRefused("too odd") }
        self.services[definition.id.text] = (definition, source)
        self.commands.append("register \(definition.id) \(source.rawValue)")
    }

    func remove(_ id: ServiceID, source: Service.Source) throws {
        try self.spend()
        guard self.services[id.text]?.source == source else { return }
        self.services[id.text] = nil
        self.commands.append("remove \(id)")
    }

    func appliedFile() throws -> [String: String] {
        if self.commandsLeft == 0 { throw Away() }
        return self.applied
    }

    func setAppliedFile(_ applied: [String: String]) {
        self.applied = applied
    }

    private func spend() throws {
        if self.commandsLeft == 0 { throw Away() }
        if self.commandsLeft != .max { self.commandsLeft -= 1 }
    }
}
