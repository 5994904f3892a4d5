import ControlLoops
import ManagerTesting
import Registry
import Testing

@Suite(.timeLimit(.minutes(5))) struct `Discovery by seeds` {
    @Test func `registers who answers, with what it says, and is idempotent`() async throws {
        let table = ServerTable.native()
        let server = try await table.start()
        try await DiscoveryScene.run(seeds: ["127.0.0.1:\(server.port)"]) { scene in
            try await scene.sweep()
            let service = try #require(scene.services.first)
            #expect(service.id.text == "probe-127.0.0.1-\(server.port)")
            #expect((service.source, service.definition.modelType.text) == (.probe, "LSTM"))
            #expect(service.definition.modelVersion.text == "v1")
            try await scene.sweep(2)
            #expect(scene.services == [service], "nothing new, nothing written")
            table.set("GET /info", StubUpstream.json(#"{"model_type":"LSTM","model_version":"v2"}"#))
            try await scene.sweep()
            #expect(scene.services.map(\.definition.modelVersion.text) == ["v2"])
        }
        await server.stop()
    }

    @Test func `finds every model of an inference server, and loses one without the others`() async throws {
        let index = #"[{"name":"a","version":"1","state":"READY"},{"name":"b"},{"name":"c","version":"7"}]"#
        let table = ServerTable([
            "GET /v2": StubUpstream.json(#"{"name":"triton"}"#), "POST /v2/repository/index": StubUpstream.json(index),
            "GET /v2/models/a/versions/1/ready": StubUpstream.json(""),
            "GET /v2/models/b/ready": StubUpstream.json(""), "GET /v2/models/c/versions/7/ready": StubUpstream.json(""),
        ])
        let server = try await table.start()
        try await DiscoveryScene.run(seeds: ["127.0.0.1:\(server.port)"]) { scene in
            try await scene.sweep()
            let models = scene.services.map { "\($0.definition.modelType) \($0.definition.modelVersion)" }
            #expect(models == ["a 1", "b default", "c 7"])
            #expect(scene.services.allSatisfy { $0.definition.wireProtocol == .oip })
            table.set("GET /v2/models/b/ready", nil)
            try await scene.sweep(3)
            #expect(scene.services.map(\.definition.modelType.text) == ["a", "c"])
        }
        await server.stop()
    }

    @Test func `lets go of one that stays silent, and takes it again when it is back`() async throws {
        let (a, b) = (try await ServerTable.native().start(), try await ServerTable.native().start())
        let seeds = [a, b].map { "127.0.0.1:\($0.port)" }
        try await DiscoveryScene.run(seeds: seeds) { scene in
            try await scene.sweep()
            #expect(scene.services.count == 2)
            await b.kill()
            try await scene.sweep(2)
            #expect(scene.services.count == 2, "two silent sweeps mean nothing")
            try await scene.sweep()
            #expect(scene.ids == ["probe-127.0.0.1-\(a.port)"])
            #expect(try await scene.events("swept").last?.contains("is silent") == true)
        }
        await a.stop()
    }

    @Test func `keeps all when most are silent at once, and says so once`() async throws {
        var servers: [StubUpstream] = []
        for _ in 0..<3 { servers.append(try await ServerTable.native().start()) }
        let all = servers
        try await DiscoveryScene.run(seeds: all.map { "127.0.0.1:\($0.port)" }) { scene in
            try await scene.sweep()
            for server in all.dropFirst() { await server.kill() }
            try await scene.sweep(6)
            #expect(scene.services.count == 3)
            #expect(try await scene.events("swept").count { $0.contains("silent at once: kept") } == 1)
        }
        await servers[0].stop()
    }

    @Test func `does not bring back what the API removed until it says something new, whoever leads`() async throws {
        let table = ServerTable.native()
        let server = try await table.start()
        let seeds = ["127.0.0.1:\(server.port)"]
        try await DiscoveryScene.run(seeds: seeds) { scene in
            try await scene.sweep()
            try await scene.apiRemoves("probe-127.0.0.1-\(server.port)")
            try await scene.sweep(2)
            #expect(scene.ids == [])
            let next = try scene.successor(seeds: seeds)
            try await next.sweep(2)
            #expect(next.ids == [])
            table.set("GET /info", StubUpstream.json(#"{"model_type":"LSTM","model_version":"v2"}"#))
            try await next.sweep()
            #expect(next.ids.count == 1)
        }
        await server.stop()
    }

    @Test func `is silent where somebody registered a service, and steps back when somebody does later`() async throws {
        let server = try await ServerTable.native().start()
        let url = "http://127.0.0.1:\(server.port)"
        try await DiscoveryScene.run(seeds: ["127.0.0.1:\(server.port)"]) { scene in
            try await scene.sweep()
            #expect(scene.services.count == 1)
            try await scene.api("mine", at: url)
            try await scene.sweep(3)
            #expect(scene.ids == ["mine"])
            try await scene.sweep(2)
            #expect(scene.ids == ["mine"])
        }
        await server.stop()
    }

    @Test func `writes nothing while it does not lead, nor after it was deposed`() async throws {
        let server = try await ServerTable.native().start()
        let seeds = ["127.0.0.1:\(server.port)"]
        try await DiscoveryScene.run(seeds: seeds) { scene in
            scene.leadership.depose()
            try await scene.sweep()
            #expect(scene.ids == [] && server.requests.isEmpty)
            let next = try scene.successor(seeds: [])
            try await next.api("x", at: "http://10.0.0.1", discovery: .dns)
            try await next.sweep()
            scene.leadership.elect(Term(4_000_000_000_000))
            try await scene.sweep()
            #expect(scene.ids == ["x"], "an older term: refused in Redis")
            #expect(!server.requests.isEmpty)
        }
        await server.stop()
    }

    @Test func `counts what it found and what went wrong`() async throws {
        let server = try await ServerTable.native().start()
        try await DiscoveryScene.run(seeds: ["127.0.0.1:\(server.port)", "nowhere.example:1"]) { scene in
            try await scene.sweep(2)
            let figures = scene.loop.figures
            #expect((figures.sweeps, figures.found[.seeds], figures.errors[.seeds]) == (2, 1, 2))
            #expect(try await scene.events("swept") == ["seeds 1 (nowhere.example:1: nowhere.example: no such name)"])
            #expect(scene.log.entries.filter { $0.message == "discovery swept" }.count == 1)
        }
        await server.stop()
    }
}
