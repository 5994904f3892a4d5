/// The registry as one replica knows it at one epoch. Immutable, swapped whole; nobody edits it.
public final class RegistrySnapshot: Sendable {
    public let epoch: Epoch
    /// Sorted by id.
    public let services: [Service]
    public let models: [ModelType: Model]
    /// What `latest` and other aliases were explicitly set to.
    let pointers: [ModelType: ModelPointers]

    public static let empty = RegistrySnapshot(epoch: .zero, services: [], pointers: [:])

    /// The `pointers` are what `latest` and other aliases were explicitly set to, by model type. What is the same in the
    /// snapshot `old` is taken from there.
    public init(
        epoch: Epoch,
        services: [Service],
        pointers: [ModelType: ModelPointers],
        after old: RegistrySnapshot? = nil
    ) {
        let services = services.sorted { $0.id < $1.id }
        self.epoch = epoch
        self.services = services
        self.pointers = pointers
        let difference = SnapshotDifference(from: (old?.services ?? [], old?.pointers ?? [:]), to: (services, pointers))
        var members: [ModelType: [Service]] = [:]
        for service in services where difference.types.contains(service.definition.modelType) {
            if service.definition.kind == .model { members[service.definition.modelType, default: []].append(service) }
        }
        var models = old?.models ?? [:]
        for type in difference.types {
            models[type] = Self.model(of: members[type] ?? [], pointers[type] ?? ModelPointers())
        }
        self.models = models
    }

    public subscript(id: ServiceID) -> Service? {
        var (low, high) = (0, self.services.count)
        while low < high {
            let middle = (low + high) / 2
            if self.services[middle].id < id { low = middle + 1 } else { high = middle }
        }
        return low < self.services.count && self.services[low].id == id ? self.services[low] : nil
    }

    /// A model type that somebody switched stays known while its services are away.
    private static func model(of services: [Service], _ pointers: ModelPointers) -> Model? {
        guard !services.isEmpty || pointers.latest != nil else { return nil }
        var model = Model()
        for service in services { model.add(service) }
        let known = pointers.hosts.isEmpty ? [] : Set(services.map(\.id))
        for (version, hosts) in pointers.hosts {
            let offering = hosts.filter { known.contains($0) }
            if !offering.isEmpty { model.add(offering, hosting: version) }
        }
        model.settle(pointers)
        return model
    }
}

/// One model type: its versions, the services behind them, and the aliases that point at them.
public struct Model: Hashable, Sendable {
    /// Ids of the services of each version, sorted.
    public private(set) var versions: [ModelVersion: [ServiceID]] = [:]
    public private(set) var latest: ModelVersion = .unnamed
    public private(set) var aliases: [ModelVersion: ModelVersion] = [:]
    /// What the store has of it beside the services.
    public private(set) var pointers = ModelPointers()
    private var oldest: (epoch: Epoch, id: ServiceID, version: ModelVersion)?

    fileprivate init() {}

    fileprivate mutating func add(_ service: Service) {
        let version = service.definition.modelVersion
        self.versions[version, default: []].append(service.id)
        if let oldest = self.oldest, (oldest.epoch, oldest.id) < (service.registeredEpoch, service.id) { return }
        self.oldest = (service.registeredEpoch, service.id, version)
    }

    fileprivate mutating func add(_ hosts: [ServiceID], hosting version: ModelVersion) {
        self.versions[version] = Set(self.versions[version] ?? []).union(hosts).sorted()
    }

    /// Before any switch, `latest` is the version registered first: a new version takes no traffic by itself.
    fileprivate mutating func settle(_ pointers: ModelPointers) {
        self.pointers = pointers
        self.aliases = pointers.aliases
        self.latest = pointers.latest ?? self.oldest?.version ?? .unnamed
    }

    /// Whether requests may go to the version, as far as the store's word goes.
    public func admits(_ version: ModelVersion) -> Bool {
        switch self.pointers.notes[version]?.state {
        case nil, .ready, .serving, .registered: true
        case .loading, .draining, .retired, .failed: false
        }
    }

    /// Percentages of the requests that name no version; they add up to 100.
    public var traffic: [ModelVersion: Int] {
        self.pointers.split.isEmpty ? [self.latest: 100] : self.pointers.split
    }

    /// Every version that services offer or that the store wrote something about.
    public var knownVersions: Set<ModelVersion> {
        Set(self.versions.keys).union(self.pointers.notes.keys).union([self.latest])
    }

    /// The version that a request's `model_version` means, whether or not a service has it. Nil: neither version nor alias.
    ///
    /// An alias goes before a version of its name, which can only have been registered after it was set: a new version
    /// takes no traffic by itself, that of an alias neither.
    public func resolve(_ asked: ModelVersion) -> ModelVersion? {
        if asked == .latest { return self.latest }
        return self.aliases[asked] ?? (self.versions[asked] != nil ? asked : nil)
    }

    public static func == (left: Model, right: Model) -> Bool {
        left.versions == right.versions && left.latest == right.latest && left.pointers == right.pointers
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.versions)
        hasher.combine(self.latest)
    }
}
