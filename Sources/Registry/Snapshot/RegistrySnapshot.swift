/// The registry as one replica knows it at one epoch. Immutable, swapped whole; nobody edits it.
public final class RegistrySnapshot: Sendable {
    public let epoch: Epoch
    /// Sorted by id.
    public let services: [Service]
    public let models: [ModelType: Model]
    private let places: [ServiceID: Int]

    public static let empty = RegistrySnapshot(epoch: .zero, services: [], pointers: [:])

    /// The `pointers` are what `latest` and other aliases were explicitly set to, by model type.
    public init(epoch: Epoch, services: [Service], pointers: [ModelType: ModelPointers]) {
        self.epoch = epoch
        self.services = services.sorted { $0.id < $1.id }
        self.places = Dictionary(uniqueKeysWithValues: self.services.enumerated().map { ($1.id, $0) })
        var models: [ModelType: Model] = [:]
        for service in self.services where service.definition.kind == .model {
            models[service.definition.modelType, default: Model()].add(service)
        }
        for type in models.keys {
            models[type]?.settle(pointers[type] ?? ModelPointers())
        }
        self.models = models
    }

    public subscript(id: ServiceID) -> Service? {
        self.places[id].map { self.services[$0] }
    }
}

/// One model type: its versions, the services behind them, and the aliases that point at them.
public struct Model: Hashable, Sendable {
    /// Ids of the services of each version, sorted.
    public private(set) var versions: [ModelVersion: [ServiceID]] = [:]
    public private(set) var latest: ModelVersion = .unnamed
    public private(set) var aliases: [ModelVersion: ModelVersion] = [:]
    private var oldest: (epoch: Epoch, id: ServiceID, version: ModelVersion)?

    fileprivate init() {}

    fileprivate mutating func add(_ service: Service) {
        let version = service.definition.modelVersion
        self.versions[version, default: []].append(service.id)
        if let oldest = self.oldest, (oldest.epoch, oldest.id) < (service.registeredEpoch, service.id) { return }
        self.oldest = (service.registeredEpoch, service.id, version)
    }

    /// Before any switch, `latest` is the version registered first: a new version takes no traffic by itself.
    fileprivate mutating func settle(_ pointers: ModelPointers) {
        self.aliases = pointers.aliases
        self.latest = pointers.latest ?? self.oldest?.version ?? .unnamed
    }

    /// The version that a request's `model_version` means, whether or not a service has it. Nil: neither version nor alias.
    public func resolve(_ asked: ModelVersion) -> ModelVersion? {
        if asked == .latest { return self.latest }
        if self.versions[asked] != nil { return asked }
        return self.aliases[asked]
    }

    public static func == (left: Model, right: Model) -> Bool {
        left.versions == right.versions && left.latest == right.latest && left.aliases == right.aliases
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.versions)
        hasher.combine(self.latest)
    }
}

/// What was explicitly pointed where for one model type.
public struct ModelPointers: Hashable, Sendable {
    /// Nil until the first switch.
    public var latest: ModelVersion?
    public var aliases: [ModelVersion: ModelVersion]

    public init(latest: ModelVersion? = nil, aliases: [ModelVersion: ModelVersion] = [:]) {
        self.latest = latest
        self.aliases = aliases
    }
}
