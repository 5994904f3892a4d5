import Decisions
import Registry
import Testing

@Suite struct `The plan of deployments` {
    private static func models(_ deployments: [String: [(String, Deployment.Outcome?)]]) throws -> [ModelType: Model] {
        let type = try #require(ModelType("LSTM"))
        var (pointers, services) = (ModelPointers(), [Service]())
        for (version, rows) in deployments {
            var order = Deployment(services: [])
            for (name, outcome) in rows {
                let id = try #require(ServiceID(name))
                order.services.append(id)
                order.outcomes[id] = outcome
                let definition = ServiceDefinition(id: id, url: try ServiceURL("http://\(id)"), modelType: type)
                services.append(
                    Service(
                        definition: definition,
                        source: .api,
                        registeredAt: Timestamp(milliseconds: 0),
                        registeredEpoch: .zero,
                        epoch: .zero
                    )
                )
            }
            pointers.deployments[try #require(ModelVersion(version))] = order
        }
        let unique = Dictionary(services.map { ($0.id, $0) }) { first, _ in first }
        return RegistrySnapshot(epoch: .zero, services: Array(unique.values), pointers: [type: pointers]).models
    }

    @Test func `asks two services of a deployment at a time, in the order given`() throws {
        let models = try Self.models(["v2": [("a", .loaded), ("d", nil), ("c", nil), ("b", nil)]])
        #expect(DeploymentPlan.steps(of: models).map(\.service.text) == ["d", "c"])
    }

    @Test func `asks a service for one thing at a time`() throws {
        let models = try Self.models(["v2": [("a", nil)], "v3": [("a", nil), ("b", nil)]])
        #expect(DeploymentPlan.steps(of: models).map { "\($0.version) \($0.service)" } == ["v2 a", "v3 b"])
    }

    @Test func `begins what is not held up by what is under way`() throws {
        let models = try Self.models(["v2": [("a", nil), ("b", nil), ("c", nil)], "v3": [("a", nil), ("d", nil)]])
        let running = DeploymentPlan.steps(of: models).filter { $0.service.text == "a" }
        let further = DeploymentPlan.steps(of: models, beside: Set(running))
        #expect(further.map { "\($0.version) \($0.service)" } == ["v2 b", "v3 d"])
    }

    @Test func `has nothing to do when every service has an outcome`() throws {
        let models = try Self.models(["v2": [("a", .failed("x")), ("b", .skipped("y"))]])
        #expect(DeploymentPlan.steps(of: models).isEmpty)
    }

    @Test func `asks a bounded number in all`() throws {
        var rows: [String: [(String, Deployment.Outcome?)]] = [:]
        for version in 0..<9 { rows["v\(version)"] = [("a\(version)", nil), ("b\(version)", nil)] }
        let models = try Self.models(rows)
        #expect(DeploymentPlan.steps(of: models).count == DeploymentPlan.stepsMax)
    }
}
