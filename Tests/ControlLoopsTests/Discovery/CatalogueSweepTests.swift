import ClusterState
import ControlLoops
import ManagerTesting
import Registry
import Testing

@Suite(.timeLimit(.minutes(5))) struct `Discovery by catalogues` {
    static func document(_ weights: [String: Int], headers: String = "") -> String {
        let entries = weights.sorted { $0.key < $1.key }.map {
            #""\#($0)": {"service_url": "http://\#($0):1", "model_type": "LSTM", "weight": \#($1)}"#
        }
        return StubUpstream.json("{\"services\": {\(entries.joined(separator: ",\n"))}}", headers: headers)
    }

    static let path = "GET /list?team=a"

    static func run(
        _ first: String,
        _ body: @Sendable (DiscoveryScene, ServerTable, StubUpstream) async throws -> Void
    ) async throws {
        let table = ServerTable([Self.path: first])
        let server = try await table.start()
        try await DiscoveryScene.run(catalogues: ["\(server.url)/list?team=a"]) { try await body($0, table, server) }
        await server.stop()
    }

    @Test func `applies an entry when it changes, and one that leaves leaves the registry`() async throws {
        try await Self.run(Self.document(["a": 1, "b": 2, "c": 3])) { scene, table, _ in
            try await scene.sweep()
            #expect(scene.ids == ["a", "b", "c"] && scene.services.allSatisfy { $0.source == .file })
            try await scene.api("a", at: "http://mine:1")
            table.set(Self.path, Self.document(["a": 1, "b": 9]))
            try await scene.sweep()
            #expect(scene.ids == ["a", "b"])
            #expect(scene.services.map(\.definition.weight) == [100, 9], "what the API changed holds")
            let url = try #require(try await Self.url(scene))
            let next = try scene.successor(catalogues: [url])
            try await next.sweep()
            #expect(next.services.map(\.definition.weight) == [100, 9], "and under the next leader")
        }
    }

    /// The catalogue's URL as the store remembers it.
    static func url(_ scene: DiscoveryScene) async throws -> String? {
        try await scene.replica.state.appliedCatalogues().first
    }

    @Test func `refuses a broken document as a whole, with line and column`() async throws {
        try await Self.run(Self.document(["a": 1])) { scene, table, _ in
            try await scene.sweep()
            table.set(Self.path, StubUpstream.json("{\"services\": {\n  \"b\": {\"service_url\": 7}}}"))
            try await scene.sweep()
            #expect(scene.ids == ["a"])
            let detail = try #require(try await scene.events("swept").last)
            #expect(detail.contains("line 2, column") && detail.contains("service_url"), "\(detail)")
            table.set(Self.path, StubUpstream.json("{\"services\": {}, \"settings\": {\"API_PORT\": 1}}"))
            try await scene.sweep()
            #expect(scene.ids == ["a"])
            #expect(try await scene.events("swept").last?.contains("settings") == true)
        }
    }

    @Test func `changes nothing when it is away, redirects or fails`() async throws {
        try await Self.run(Self.document(["a": 1])) { scene, table, server in
            try await scene.sweep()
            for status in ["301 Moved Permanently", "500 Oops", "204 No Content"] {
                table.set(Self.path, StubUpstream.json("", status: status))
                try await scene.sweep()
                #expect(scene.ids == ["a"], "\(status)")
            }
            await server.kill()
            try await scene.sweep()
            #expect(scene.ids == ["a"])
            #expect(scene.loop.figures.errors[.catalogues] == 4)
        }
    }

    @Test func `asks with the mark it was given, and goes on by what it knows`() async throws {
        try await Self.run(Self.document(["a": 1], headers: "etag: \"x1\"\r\n")) { scene, table, server in
            try await scene.sweep()
            table.set(Self.path, "HTTP/1.1 304 Not Modified\r\n\r\n")
            try await scene.apiRemoves("a")
            try await scene.sweep()
            #expect(server.requests.last?.contains("if-none-match: \"x1\"") == true)
            #expect(scene.loop.figures.errors[.catalogues] == 0)
            #expect(scene.ids == [], "an entry that did not change does not bring back what the API removed")
        }
    }

    @Test func `is doubted when it loses most of its entries at once`() async throws {
        try await Self.run(Self.document(["a": 1, "b": 1, "c": 1])) { scene, table, _ in
            try await scene.sweep()
            table.set(Self.path, Self.document([:]))
            try await scene.sweep(10)
            #expect(scene.ids == ["a", "b", "c"])
            try await scene.sweep()
            #expect(scene.ids == [], "it said so for long enough")
        }
    }

    @Test func `leaves to the services file what the file brought, and takes along what it brought when it is unset`()
        async throws
    {
        try await Self.run(Self.document(["a": 1, "b": 1, "c": 1])) { scene, _, _ in
            try await scene.replica.state.setAppliedFile(["b": "x"])
            try await scene.sweep()
            #expect(scene.ids == ["a", "c"])
            #expect(try await scene.events("swept").last?.contains("b is another document's") == true)
            let next = try scene.successor()
            try await next.sweep()
            #expect(next.ids == [])
            #expect(try await Self.url(next) == nil)
        }
    }
}
