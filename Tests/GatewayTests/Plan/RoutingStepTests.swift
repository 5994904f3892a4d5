import Decisions
import ManagerTesting
import Registry
import Synchronization
import Testing

@testable import Gateway

@Suite struct `A routing table that follows another` {
    @Test(arguments: SeededRandom.runs(40))
    func `is the one that would be built anew`(seeded: SeededRandom) throws {
        var random = seeded
        let board = board()
        for epoch in 1...25 {
            let snapshot = try anySnapshot(Int64(epoch), &random)
            board.apply(snapshot)
            let anew = freshBoard(snapshot)
            #expect(described(board.table) == described(anew.table))
            #expect(board.table.headroomBytes == anew.table.headroomBytes)
            #expect(board.table.forwardsAuthorization == anew.table.forwardsAuthorization)
            #expect(Set(limits(board)) == Set(limits(anew)))
            for pool in board.table.pools {
                #expect(board.table.has(pool), "it stands at its index")
                for member in pool.members {
                    #expect(board.upstream(member.upstream.key) === member.upstream)
                    #expect(!member.upstream.isRetired)
                    #expect(board.home(of: member.upstream)?.key.modelType == pool.key.modelType)
                }
            }
            let used = Set(board.table.pools.flatMap { $0.members.map(\.upstream.key) })
            #expect(board.withUpstreams { Set($0.map(\.key)) } == used, "nobody else is kept")
            #expect(board.table.places.count <= 3 * 3 * 2, "places of pools that have gone are taken again")
        }
    }

    @Test func `keeps the pools of model types of which nothing changed, and every instance that stays`() throws {
        let board = board()
        board.apply(try snapshot([service("a", "A"), service("b", "B"), service("c", "C")], 1))
        let before = try pools(board)
        let upstream = try #require(board.table.pools.first { $0.key.modelType.text == "B" }?.members.first?.upstream)
        board.apply(try snapshot([service("a", "A"), service("b", "B", weight: 7), service("d", "D")], 2))
        let after = try pools(board)
        #expect(before["A"] === after["A"])
        #expect(before["B"] !== after["B"])
        #expect(after["B"]?.members.first?.weight == 7)
        #expect(after["B"]?.members.first?.upstream === upstream)
        #expect(after["C"] == nil)
        #expect(before["C"]?.members.first?.upstream.isRetired == true)
        #expect(after["D"] != nil)
    }
}

private func board() -> GateBoard {
    GateBoard(
        strategy: .roundRobin,
        policy: .init(),
        laneCount: 1,
        news: Setting.News(),
        desk: TicketDesk(localStart: 0, bell: ReserverBell()),
        sharesLimits: false
    )
}

private func freshBoard(_ snapshot: RegistrySnapshot) -> GateBoard {
    let board = board()
    board.apply(snapshot)
    return board
}

/// The only prediction pool of each model type.
private func pools(_ board: GateBoard) throws -> [String: RoutePool] {
    let pools = board.table.pools.filter { $0.key.capability == .prediction }
    return Dictionary(uniqueKeysWithValues: pools.map { ($0.key.modelType.text, $0) })
}

/// Which pools there are, whom they have, and which names lead to them.
private func described(_ table: RoutingTable) -> Set<String> {
    var lines: Set<String> = []
    for pool in table.pools {
        let members = pool.members.map { "\($0.upstream.key) \($0.weight) \($0.version)" }.sorted()
        lines.insert("\(pool.key.name): \(members)")
        if let shadow = table.shadow(of: pool) { lines.insert("\(pool.key.name) is copied to \(shadow.pool.key.name)") }
    }
    for type in ["A", "B", "C"] {
        guard let route = Array(type.utf8).withUnsafeBytes({ table.route($0) }) else { continue }
        lines.insert("\(type): latest \(route.latestName), \(route.latest?.name.text ?? "none")")
        for name in ["v1", "v2", "v3", "stable"] {
            if let version = route.versions.find(name) {
                lines.insert("\(type) \(name): \(version?.name.text ?? "none")")
            }
        }
    }
    return lines
}

private func limits(_ board: GateBoard) -> [String] {
    board.limited().map { "\($0.upstream.key) \($0.limit.requests) of \($0.limit.epoch)" }
}

/// Nine services over three model types, each of them there or not.
private func anySnapshot(_ epoch: Int64, _ random: inout SeededRandom) throws -> RegistrySnapshot {
    var services: [Service] = []
    for number in 0..<9 where Int.random(in: 0..<5, using: &random) > 0 {
        let type = ["A", "B", "C"][(number + Int.random(in: 0..<8, using: &random) / 7) % 3]
        let choice = Int.random(in: 0..<16, using: &random)
        var service = try service("s\(number)", type, version: choice & 1 == 0 ? "v1" : "v2", weight: 1 + choice & 2)
        service.definition.concurrentRequestsMax = choice & 4 == 0 ? nil : 3
        service.isDraining = choice & 8 != 0
        service.definition.forwardsAuthorization = choice == 5
        services.append(service)
    }
    var pointers: [ModelType: ModelPointers] = [:]
    for type in ["A", "B", "C"] where Bool.random(using: &random) {
        var pointer = ModelPointers(latest: ModelVersion("v1"))
        let (stable, second) = (try #require(ModelVersion("stable")), try #require(ModelVersion("v2")))
        if Bool.random(using: &random) { pointer.aliases[stable] = second }
        if Bool.random(using: &random) { pointer.shadow = Shadow(version: second, percent: 50, field: "prediction") }
        pointers[try #require(ModelType(type))] = pointer
    }
    return RegistrySnapshot(epoch: Epoch(epoch), services: services, pointers: pointers)
}

private func service(_ id: String, _ type: String, version: String = "v1", weight: Int = 100) throws -> Service {
    var definition = try Setting.service(id, at: "http://127.0.0.1:1", version: version)
    definition.modelType = try #require(ModelType(type))
    definition.weight = weight
    return Service(
        definition: definition,
        source: .api,
        registeredAt: Timestamp(milliseconds: 0),
        registeredEpoch: Epoch(1),
        epoch: Epoch(1)
    )
}

private func snapshot(_ services: [Service], _ epoch: Int64) throws -> RegistrySnapshot {
    RegistrySnapshot(epoch: Epoch(epoch), services: services, pointers: [:])
}
