import ClusterState
import ManagerTesting
import Registry
import Testing

/// Services to register.
enum Samples {
    static func definition(_ id: String, everything: Bool = false) throws -> ServiceDefinition {
        var definition = ServiceDefinition(
            id: try #require(ServiceID(id)),
            url: try ServiceURL("http://\(id).example:8000"),
            modelType: try #require(ModelType("LSTM"))
        )
        guard everything else { return definition }
        definition.modelVersion = try #require(ModelVersion("v1.2"))
        definition.capabilities = ["training", "prediction"]
        definition.concurrentRequestsMax = 5
        definition.timeout = .milliseconds(250)
        definition.weight = 7
        definition.wireProtocol = .oip
        definition.healthPath = "/up"
        definition.metadata = ["team": "\"quoted\"", "owner": "a/b"]
        definition.discovery = .dns
        definition.lease = .seconds(30)
        definition.kind = .data
        definition.forwardsAuthorization = true
        return definition
    }

    static func service(_ id: String, everything: Bool = false) throws -> Service {
        Service(
            definition: try self.definition(id, everything: everything),
            source: everything ? .file : .api,
            isDraining: everything,
            registeredAt: Timestamp(milliseconds: 1_700_000_000_000),
            registeredEpoch: Epoch(1_700_000_000_000_000),
            epoch: Epoch(1_700_000_000_000_001)
        )
    }

    static func id(_ text: String) throws -> ServiceID {
        try #require(ServiceID(text))
    }
}

/// Runs against a real Redis, in a namespace of its own.
func withState(_ body: @Sendable (ClusterState) async throws -> Void) async throws {
    let fixture = try await RedisFixture.shared()
    try await fixture.withClient(library: ClusterState.library) { redis in
        try await body(ClusterState(redis: redis, namespace: fixture.prefix(), actor: "tester"))
    }
}
