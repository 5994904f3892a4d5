internal import Decisions
internal import Registry

/// The instances of one snapshot that can serve one capability of one model version, in the order of their ids.
final class RoutePool: Sendable {
    /// Names a pool over snapshots.
    struct Key: Hashable, Sendable {
        var modelType: ModelType
        var version: ModelVersion
        var capability: Capability

        /// Of the turns that the versions of a model type take.
        static func split(of type: ModelType) -> Key {
            Key(modelType: type, version: .latest, capability: .prediction)
        }

        /// As tickets, and people, know it: `LSTM/v1/prediction`.
        var name: String { "\(self.modelType)/\(self.version)/\(self.capability.rawValue)" }
    }

    /// What a request wants of an instance. `inference` is a prediction by the Open Inference Protocol.
    enum Capability: String, Hashable, Sendable, CaseIterable {
        case prediction, training, inference

        /// Whether the service is one of those asked for this.
        func isOffered(by service: ServiceDefinition) -> Bool {
            switch self {
            case .prediction: service.wireProtocol != .oip && service.offers("prediction")
            case .inference: service.wireProtocol == .oip && service.offers("prediction")
            case .training: service.offers("training")
            }
        }
    }

    let key: Key
    /// Place in the table's list of pools; each event loop keeps its view of the pool there.
    let index: Int
    let members: [RouteMember]
    /// The same, as balancing sees them.
    let balanced: [PoolMember]
    let strategy: BalanceStrategy
    let tickets: TicketSource
    let meter: VersionMeter
    /// Whether any member wants the caller's credentials.
    let forwardsAuthorization: Bool
    /// The longest beginning of a request to a member.
    let headroomBytes: Int

    init(
        key: Key,
        index: Int,
        members: [RouteMember],
        strategy: BalanceStrategy,
        tickets: TicketSource,
        meter: VersionMeter
    ) {
        self.key = key
        self.index = index
        self.members = members
        self.balanced = members.map { PoolMember(weight: $0.weight, key: $0.upstream.key) }
        self.strategy = strategy
        self.tickets = tickets
        self.meter = meter
        self.forwardsAuthorization = members.contains { $0.forwardsAuthorization }
        self.headroomBytes = members.reduce(0) { max($0, $1.requestHeadBytesMax) }
    }

    /// Whether all members are among the services that a caller may use.
    func isWithin(_ scope: AccessScope) -> Bool {
        var last: ServiceID?
        return self.members.allSatisfy { member in
            let service = member.upstream.key.service
            defer { last = service }
            return service == last || scope.allows(service)
        }
    }

    /// How many take turns while nothing is known of the members.
    var turnsAtFirst: Int {
        PickTable(strategy: self.strategy, members: self.balanced, eligible: Array(self.members.indices)).turns
    }

    /// What is known of the members now; read when a view is built, not for each request.
    var facts: [Eligibility.Facts] { self.members.map { $0.upstream.gate.facts } }
}
