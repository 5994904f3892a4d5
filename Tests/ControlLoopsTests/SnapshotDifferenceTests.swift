import ManagerTesting
import Registry
import Testing

@Suite struct `The difference of two snapshots` {
    @Test func `names services that came, went or changed, and their model types`() throws {
        let old = try snapshot([service("a", "A"), service("b", "B"), service("c", "C"), service("e", "E")])
        let new = try snapshot([service("b", "B", epoch: 2), service("c", "C"), service("d", "D"), service("e", "F")])
        let difference = SnapshotDifference(from: old, to: new)
        #expect(difference.before.map(\.id.text) == ["a", "b", "e"])
        #expect(difference.after.map(\.id.text) == ["b", "d", "e"])
        #expect(Set(difference.types.map(\.text)) == ["A", "B", "D", "E", "F"])
    }

    @Test func `is nothing between equal ones, and all of the first one`() throws {
        let services = try [service("a", "A"), service("b", "B")]
        #expect(try SnapshotDifference(from: snapshot(services), to: snapshot(services)).types.isEmpty)
        #expect(try SnapshotDifference(from: .empty, to: snapshot(services)).after == services)
    }

    @Test func `names model types whose pointers came, went or changed`() throws {
        let services = try [service("a", "A"), service("b", "B"), service("c", "C"), service("d", "D")]
        let old = try snapshot(services, latest: ["A": "v1", "B": "v1", "D": "v1"])
        let new = try snapshot(services, latest: ["B": "v2", "C": "v1", "D": "v1"])
        let difference = SnapshotDifference(from: old, to: new)
        #expect(difference.after.isEmpty)
        #expect(Set(difference.types.map(\.text)) == ["A", "B", "C"])
    }

    @Test(arguments: SeededRandom.runs(40))
    func `makes the same models as building them all anew`(seeded: SeededRandom) throws {
        var random = seeded
        var old = RegistrySnapshot.empty
        for epoch in 1...30 {
            let step = try anySnapshot(Int64(epoch), &random)
            let next = RegistrySnapshot(
                epoch: step.epoch,
                services: step.services,
                pointers: step.pointers,
                after: old
            )
            let anew = RegistrySnapshot(epoch: step.epoch, services: step.services, pointers: step.pointers)
            #expect(next.models == anew.models)
            #expect(next.models.mapValues(\.aliases) == anew.models.mapValues(\.aliases))
            #expect(step.services.allSatisfy { next[$0.id] == $0 })
            old = next
        }
    }
}

private struct AnySnapshot {
    var epoch: Epoch
    var services: [Service] = []
    var pointers: [ModelType: ModelPointers] = [:]
}

/// Eight services over three model types, each of them there or not, few of them changed from one to the next.
private func anySnapshot(_ epoch: Int64, _ random: inout SeededRandom) throws -> AnySnapshot {
    var any = AnySnapshot(epoch: Epoch(epoch))
    for number in 0..<8 where Int.random(in: 0..<4, using: &random) > 0 {
        let type = ["A", "B", "C"][(number + Int.random(in: 0..<8, using: &random) / 7) % 3]
        let version = Bool.random(using: &random) ? "v1" : "v2"
        any.services.append(
            try service("s\(number)", type, version: version, epoch: Int64.random(in: 1...2, using: &random))
        )
    }
    for type in ["A", "B", "C"] where Bool.random(using: &random) {
        var pointers = ModelPointers()
        pointers.latest = Bool.random(using: &random) ? ModelVersion("v1") : nil
        if let alias = ModelVersion("stable"), let target = ModelVersion("v2"), Bool.random(using: &random) {
            pointers.aliases[alias] = target
        }
        if let version = ModelVersion("v3"), let host = ServiceID("s\(Int.random(in: 0..<8, using: &random))") {
            pointers.hosts[version] = [host]
        }
        any.pointers[try #require(ModelType(type))] = pointers
    }
    return any
}

private func service(_ id: String, _ type: String, version: String = "v1", epoch: Int64 = 1) throws -> Service {
    var definition = ServiceDefinition(
        id: try #require(ServiceID(id)),
        url: try ServiceURL("http://127.0.0.1:1"),
        modelType: try #require(ModelType(type))
    )
    definition.modelVersion = try #require(ModelVersion(version))
    return Service(
        definition: definition,
        source: .api,
        registeredAt: Timestamp(milliseconds: 0),
        registeredEpoch: Epoch(1),
        epoch: Epoch(epoch)
    )
}

private func snapshot(_ services: [Service], latest: [String: String] = [:]) throws -> RegistrySnapshot {
    var pointers: [ModelType: ModelPointers] = [:]
    for (type, version) in latest {
        pointers[try #require(ModelType(type))] = ModelPointers(latest: ModelVersion(version))
    }
    return RegistrySnapshot(epoch: Epoch(1), services: services, pointers: pointers)
}
