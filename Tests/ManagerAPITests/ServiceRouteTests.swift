import ClusterState
import Gateway
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Registry
import Testing

@testable import ManagerAPI

/// What is registered, over HTTP: reading, registering, changing, draining, removing.
@Suite struct ServiceRouteTests {
    private let replica = FakeReplica()

    /// A service with one instance that has so many requests.
    @discardableResult
    private func addBusy(_ id: String, inFlight: Int, change: (inout Service) -> Void = { _ in }) throws -> ServiceID {
        try self.replica.add(id, change: change)
        let id = try #require(ServiceID(id))
        var state = InstanceState(key: InstanceKey(service: id, url: try ServiceURL("http://\(id):1")))
        state.inFlight = inFlight
        let busy = state
        self.replica.edit { $0.states[id] = [busy] }
        return id
    }

    @Test func `lists services sorted with the epoch as tag`() async throws {
        try self.replica.add("b")
        try self.replica.add("a", type: "GRU")
        let answer = try await self.replica.send(.get, "/services")
        #expect(answer.status == .ok)
        #expect(answer.headers[.eTag] == "\"7\"")
        let services = try #require(try answer.members()["services"] as? [[String: Any]])
        #expect(services.map { $0["service_id"] as? String } == ["a", "b"])
        #expect(try answer.integer("epoch") == 7)
        #expect(answer.text.hasSuffix("\"next\":null}"))
    }

    @Test(arguments: ["\"7\"", "W/\"7\"", "\"1\", \"7\"", "*"])
    func `answers 304 to a tag it gave`(tag: String) async throws {
        try self.replica.add("a")
        let answer = try await self.replica.send(.get, "/services", headers: [.ifNoneMatch: tag])
        #expect(answer.status == .notModified)
        #expect(answer.body.readableBytes == 0)
    }

    @Test func `answers in full to an older tag`() async throws {
        try self.replica.add("a")
        let answer = try await self.replica.send(.get, "/services", headers: [.ifNoneMatch: "\"6\""])
        #expect(answer.status == .ok)
    }

    @Test(arguments: [
        ("model_type=GRU", ["c"]), ("capability=training", ["b"]), ("status=draining", ["b"]),
        ("status=unknown", ["a", "c"]), ("capability=prediction&model_type=LSTM", ["a", "b"]), ("model_type=none", []),
    ])
    func `filters the list`(query: String, expected: [String]) async throws {
        try self.replica.add("a")
        try self.replica.add("b") { service in
            service.definition.capabilities = ["training", "multistep_prediction"]
            service.isDraining = true
        }
        try self.replica.add("c", type: "GRU")
        let answer = try await self.replica.send(.get, "/services?\(query)")
        let services = try #require(try answer.members()["services"] as? [[String: Any]])
        #expect(services.compactMap { $0["service_id"] as? String } == expected)
    }

    @Test func `pages through all services once`() async throws {
        for number in 1...7 { try self.replica.add("s\(number)") }
        var seen: [String] = []
        var after = ""
        for _ in 1...4 {
            let answer = try await self.replica.send(.get, "/services?limit=3\(after)")
            let services = try #require(try answer.members()["services"] as? [[String: Any]])
            seen += services.compactMap { $0["service_id"] as? String }
            guard let next = try answer.string("next") else { break }
            after = "&after=\(next)"
        }
        #expect(seen == (1...7).map { "s\($0)" })
    }

    @Test func `shows a service with every member of the contract`() async throws {
        try self.replica.add("a") { $0.definition.timeout = .milliseconds(1500) }
        let members = try await self.replica.send(.get, "/services/a").members()
        let expected = [
            "service_id", "service_url", "model_type", "model_version", "capabilities", "max_concurrent_requests",
            "timeout", "weight", "protocol", "metadata", "discovery", "kind", "forward_authorization", "status",
            "circuit_breaker", "in_flight", "registered_at", "source", "epoch",
        ]
        #expect(Set(members.keys) == Set(expected))
        #expect(members["timeout"] as? Double == 1.5)
        #expect(members["registered_at"] as? String == "2025-10-09T08:53:20.000Z")
    }

    @Test func `asks the store before it calls a service unknown`() async throws {
        self.replica.edit { $0.follows = false }
        try self.replica.add("elsewhere")
        let answer = try await self.replica.send(.get, "/services/elsewhere")
        #expect(answer.status == .ok)
        #expect(self.replica.edit { $0.calls } == ["read elsewhere"])
        #expect(try await self.replica.send(.get, "/services/nowhere").string("code") == "service_not_found")
    }

    @Test func `sums instances up as callers see them`() async throws {
        try self.replica.add("a")
        let id = try #require(ServiceID("a"))
        let states = try (1...3).map { number in
            var state = InstanceState(key: InstanceKey(service: id, url: try ServiceURL("http://a\(number):1")))
            state.inFlight = number
            state.verdict = number == 2 ? .healthy : .unhealthy
            state.breaker = number == 1 ? .halfOpen : .open
            return state
        }
        self.replica.edit { $0.states[id] = states }
        let members = try await self.replica.send(.get, "/services/a").members()
        #expect(members["in_flight"] as? Int == 6)
        #expect(members["status"] as? String == "healthy")
        #expect(members["circuit_breaker"] as? String == "half_open")
    }

    @Test func `takes a service out of rotation and puts it back`() async throws {
        try self.replica.add("a")
        #expect(try await self.replica.send(.post, "/services/a/drain").string("status") == "draining")
        let back = try await self.replica.send(.delete, "/services/a/drain")
        #expect(try back.string("status") == "unknown")
        #expect(try back.integer("epoch") == 9)
    }

    @Test func `removes a service at once`() async throws {
        try self.replica.add("a")
        let answer = try await self.replica.send(.delete, "/services/a")
        #expect(answer.text == #"{"service_id":"a","epoch":8}"#)
        #expect(try await self.replica.send(.delete, "/services/a").status == .notFound)
    }

    @Test func `removes a draining service after its last request`() async throws {
        let id = try self.addBusy("a", inFlight: 3)
        self.replica.edit { $0.whileSleeping = { $0.states[id]?[0].inFlight -= 1 } }
        #expect(try await self.replica.send(.delete, "/services/a?drain=true").status == .ok)
        let (calls, now) = self.replica.edit { ($0.calls, $0.now) }
        #expect(calls.first == "drain a true" && calls.contains("remove a"))
        #expect(now == Instant(nanoseconds: 1_000_150_000_000))
    }

    @Test func `removes it after the last request of the other replicas, or its timeout`() async throws {
        for (held, seconds) in [(4, 0.2), (1000, 2)] {
            let replica = FakeReplica()
            try replica.add("a") { $0.definition.timeout = .seconds(2) }
            replica.edit { state in
                state.heldByOthers = held
                state.whileSleeping = { $0.heldByOthers -= 1 }
            }
            let began = replica.edit { $0.now }
            #expect(try await replica.send(.delete, "/services/a?drain=true").status == .ok)
            #expect(replica.edit { $0.now } - began == .seconds(seconds))
        }
    }

    @Test func `removes a draining service after its timeout at the latest`() async throws {
        try self.addBusy("a", inFlight: 1) { $0.definition.timeout = .seconds(2) }
        #expect(try await self.replica.send(.delete, "/services/a?drain=true").status == .ok)
        #expect(self.replica.edit { $0.now } == Instant(nanoseconds: 1_002_000_000_000))
    }

    @Test func `leaves the rest of a removal to another replica when this one leaves`() async throws {
        try self.addBusy("a", inFlight: 1)
        self.replica.edit { $0.whileSleeping = { $0.isDraining = true } }
        let answer = try await self.replica.send(.delete, "/services/a?drain=true")
        #expect(answer.status == .serviceUnavailable)
        #expect(answer.headers[.managerErrorCode] == "draining")
        #expect(answer.text.contains("send the same request again"))
        #expect(!self.replica.edit { $0.calls }.contains("remove a"))
    }

    @Test func `renews a lease and says how long it is`() async throws {
        try self.replica.add("a")
        #expect(try await self.replica.send(.post, "/services/a/heartbeat").text.contains("\"lease\":null"))
        self.replica.edit { $0.heartbeat = .renewed(.milliseconds(2500)) }
        #expect(try await self.replica.send(.post, "/services/a/heartbeat").text.contains("\"lease\":2.5"))
        #expect(try await self.replica.send(.post, "/services/b/heartbeat").status == .notFound)
    }

    @Test func `shows what probes and traffic know of each instance`() async throws {
        try self.replica.add("a") { $0.definition.concurrentRequestsMax = 5 }
        let id = try #require(ServiceID("a"))
        let url = try ServiceURL("http://a:8000")
        var state = InstanceState(key: InstanceKey(service: id, url: url))
        state.breaker = .open
        state.trips = 2
        state.failures = 5
        state.openedAt = Instant(nanoseconds: 990_000_000_000)
        var health = InstanceHealth(url: url, verdict: .unhealthy)
        health.error = "connection refused"
        health.checkedBy = "r1"
        let (open, known) = (state, health)
        self.replica.edit { replica in
            replica.states[id] = [open]
            replica.reports[id] = HealthReport(instances: [known])
        }
        let answer = try await self.replica.send(.get, "/services/a/health?probe=true")
        #expect(self.replica.edit { $0.probed } == [id])
        let breaker = try #require(try answer.members()["circuit_breaker"] as? [String: Any])
        #expect(breaker["state"] as? String == "open")
        #expect(breaker["trips"] as? Int == 2)
        #expect(breaker["opened_at"] as? String == "2025-10-09T08:54:10.000Z")
        #expect(try answer.integer("limit") == 5)
        let instances = try #require(try answer.members()["instances"] as? [[String: Any]])
        #expect(instances.first?["error"] as? String == "connection refused")
    }
}
