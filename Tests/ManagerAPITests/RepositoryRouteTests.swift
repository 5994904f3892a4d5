import ClusterState
import HTTPTypes
import HummingbirdTesting
import Registry
import Testing

@testable import ManagerAPI

/// The model repository extension as its clients see it: answered when it is done.
@Suite struct RepositoryRouteTests {
    private let replica = FakeReplica()
    private let v1 = ModelVersion("v1") ?? .unnamed
    private let v2 = ModelVersion("v2") ?? .unnamed

    init() throws {
        for (id, version) in [("a", self.v1), ("b", self.v2)] {
            try self.replica.add(id) { $0.definition.modelVersion = version }
        }
    }

    private func post(_ path: String, _ body: String? = nil, headers: HTTPFields = [:]) async throws -> TestResponse {
        try await self.replica.send(.post, "/v2/repository/models/LSTM/\(path)", headers: headers, body: body)
    }

    /// What the store says from the first look on.
    private func store(_ change: @escaping @Sendable (inout ModelPointers) -> Void) throws {
        let lstm = try #require(ModelType("LSTM"))
        self.replica.edit { state in
            state.modelReply = .same(Epoch(8))
            state.whileSleeping = { state in
                var pointers = ModelPointers()
                change(&pointers)
                let services = Array(state.stored.values)
                state.snapshot = RegistrySnapshot(epoch: Epoch(8), services: services, pointers: [lstm: pointers])
            }
        }
    }

    private func deployed(
        _ version: ModelVersion,
        _ outcomes: [(id: String, outcome: Deployment.Outcome)],
        parameters: JSONValue? = nil,
        state: VersionState? = nil
    ) throws {
        let known = outcomes.compactMap { row in ServiceID(row.id).map { ($0, row.outcome) } }
        var deployment = Deployment(services: known.map(\.0), parameters: parameters)
        deployment.outcomes = Dictionary(uniqueKeysWithValues: known)
        let done = deployment
        try self.store { pointers in
            pointers.deployments[version] = done
            if let state { pointers.notes[version] = VersionNote(state: state) }
        }
    }

    private var orders: [String] { self.replica.edit { $0.calls }.filter { !$0.hasPrefix("wait") && $0 != "epoch" } }

    @Test(arguments: ["load?version=v2", "load"])
    func `load has all services load a version that is named, and is answered when they have`(path: String) async throws
    {
        let parameters: JSONValue = ["config": "{}"]
        try self.deployed(self.v2, [("a", .loaded), ("b", .failed("no"))], parameters: parameters)
        let named = path == "load" ? #""version":"v2","# : ""
        let answer = try await self.post(path, #"{"parameters":{\#(named)"config":"{}","unload_dependents":false}}"#)
        #expect(answer.status == .ok, "\(answer.text)")
        #expect(self.orders == [#"deploy v2 of LSTM: {"services":["a","b"],"parameters":{"config":"{}"}}"#])
        let json = try JSONValue.parse(answer.text)
        #expect(json["model_version"] == "v2")
        #expect(json["services"] == ["a": "loaded", "b": "failed: no"])
    }

    @Test func `load without a version asks those again that have what callers get`() async throws {
        try self.deployed(self.v1, [("a", .skipped("it cannot load versions"))])
        #expect(try await self.post("load").status == .ok)
        #expect(self.orders == [#"deploy v1 of LSTM: {"services":["a"]}"#])
    }

    @Test(arguments: [
        (Deployment.Outcome.failed("it answered 422"), 502, "upstream_invalid"),
        (.skipped("it cannot load versions"), 409, "capability_mismatch"),
    ])
    func `load that nobody could carry out says so`(outcome: Deployment.Outcome, status: Int, code: String) async throws
    {
        let v3 = try #require(ModelVersion("v3"))
        try self.deployed(v3, [("a", outcome), ("b", outcome)], state: .failed)
        let answer = try await self.post("load", #"{"parameters":{"version":"v3"}}"#)
        #expect(answer.status.code == status)
        #expect(answer.headers[.managerErrorCode] == code)
        #expect(try answer.string("error")?.contains(outcome.reason ?? "?") == true)
    }

    @Test func `unload is answered when the last requests have ended`() async throws {
        try self.store { $0.notes[self.v2] = VersionNote(state: .retired, why: "b unloaded it") }
        let answer = try await self.post("unload?version=v2")
        #expect(answer.status == .ok, "\(answer.text)")
        #expect(self.orders == ["retire v2 of LSTM within 30.0 seconds"])
        #expect(try answer.string("reason") == "b unloaded it")
    }

    @Test func `a version in use is not unloaded`() async throws {
        self.replica.edit { $0.modelReply = .refused(.inUse(by: "latest", state: "serving")) }
        let answer = try await self.post("unload", #"{"parameters":{"unload_dependents":false}}"#)
        #expect(answer.status == .conflict)
        #expect(try answer.string("error") == "LSTM v1: the version is serving: latest points at it")
        #expect(try answer.string("detail")?.contains("?version=NAME") == true, "so can others be unloaded")
        #expect(self.orders == ["retire v1 of LSTM within 30.0 seconds"])
    }

    @Test(arguments: [("load", nil), ("unload", VersionState.draining)])
    func `what does not end in time goes on`(path: String, state: VersionState?) async throws {
        try self.store { pointers in
            pointers.deployments[self.v1] = Deployment(services: ["a"].compactMap { ServiceID($0) })
            pointers.notes[self.v1] = VersionNote(state: state)
        }
        let began = self.replica.edit { $0.now }
        let answer = try await self.post(path, headers: [.managerTimeout: "2000"])
        #expect(answer.status == .gatewayTimeout, "\(answer.text)")
        #expect(self.replica.edit { $0.now } - began <= .milliseconds(2100))
    }

    @Test(arguments: ["load", "unload"])
    func `is not waited for by a replica that leaves`(path: String) async throws {
        try self.store { pointers in
            pointers.deployments[self.v1] = Deployment(services: ["a"].compactMap { ServiceID($0) })
            pointers.notes[self.v1] = VersionNote(state: .draining)
        }
        self.replica.edit { state in
            let store = state.whileSleeping
            state.whileSleeping = {
                store(&$0)
                $0.isDraining = true
            }
        }
        let began = self.replica.edit { $0.now }
        let answer = try await self.post(path)
        #expect(answer.status == .gatewayTimeout, "\(answer.text)")
        #expect(answer.text.contains("send the same request again"))
        #expect(self.replica.edit { $0.now } - began < .seconds(1))
    }

    @Test(arguments: [
        ("load", #"{"parameters":[]}"#, 422), ("load", "[]", 422), ("load", "{", 400),
        ("load?version=v1", #"{"parameters":{"version":"v2"}}"#, 422),
        ("unload", #"{"parameters":{"version":"a b"}}"#, 422),
    ])
    func `refuses what it does not understand`(path: String, body: String, status: Int) async throws {
        let answer = try await self.post(path, body)
        #expect(answer.status.code == status, "\(answer.text)")
        #expect(try answer.string("error") != nil)
        #expect(self.orders.isEmpty)
    }

    @Test func `lists what was unloaded as unavailable`() async throws {
        let lstm = try #require(ModelType("LSTM"))
        self.replica.edit { state in
            var pointers = ModelPointers()
            pointers.notes[self.v1] = VersionNote(state: .retired, why: "a unloaded it")
            pointers.notes[self.v2] = VersionNote(state: .draining)
            let services = Array(state.stored.values)
            state.snapshot = RegistrySnapshot(epoch: Epoch(8), services: services, pointers: [lstm: pointers])
        }
        let rows = try JSONValue.parse(try await self.replica.send(.post, "/v2/repository/index").text).asArray
        #expect(rows?.map { $0["state"]?.asString } == ["UNAVAILABLE", "UNLOADING"])
        #expect(rows?.first?["reason"] == "a unloaded it")
    }
}
