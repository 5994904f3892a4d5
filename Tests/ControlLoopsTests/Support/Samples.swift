import Registry
import Testing

/// Services for tests, each at an address of its own.
enum Samples {
    static func service(_ name: String, healthPath: String? = nil, source: Service.Source = .api) throws -> Service {
        var definition = try Self.definition(name)
        definition.healthPath = healthPath
        return Service(
            definition: definition,
            source: source,
            registeredAt: Timestamp(milliseconds: 0),
            registeredEpoch: Epoch(1),
            epoch: Epoch(1)
        )
    }

    static func definition(_ name: String) throws -> ServiceDefinition {
        ServiceDefinition(
            id: try #require(ServiceID(name)),
            url: try ServiceURL("http://\(name):8000/base"),
            modelType: try #require(ModelType("LSTM")),
            capabilities: ["prediction"]
        )
    }

    static func snapshot(_ services: [Service], epoch: Int64 = 1) -> RegistrySnapshot {
        RegistrySnapshot(epoch: Epoch(epoch), services: services, pointers: [:])
    }
}
