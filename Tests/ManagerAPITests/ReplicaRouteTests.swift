import Foundation
import Gateway
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import NIOCore
import Registry
import Testing

@testable import ClusterState
@testable import ManagerAPI

/// What a replica says of itself, of the models and of the cluster.
@Suite struct ReplicaRouteTests {
    private let replica = FakeReplica()

    @Test func `says that it is healthy, degraded or unhealthy`() async throws {
        try self.replica.add("a")
        let healthy = try await self.replica.send(.get, "/health")
        #expect(healthy.status == .ok)
        let members = try healthy.members()
        #expect(members["status"] as? String == "healthy")
        #expect(members["role"] as? String == "leader")
        #expect(members["uptime"] as? Int == 60)
        #expect(members["authentication"] as? String == "off")
        #expect((members["services"] as? [String: Int]) == ["total": 1, "healthy": 0])
        #expect((members["redis"] as? [String: Any])?["latency_ms"] as? Double == 0.25)

        self.replica.edit { $0.storeIsAway = true }
        let degraded = try await self.replica.send(.get, "/health")
        #expect(degraded.status == .ok)
        #expect(try degraded.string("status") == "degraded")

        self.replica.edit { $0.snapshot = nil }
        let unhealthy = try await self.replica.send(.get, "/health")
        #expect(unhealthy.status == .serviceUnavailable)
        #expect(try unhealthy.string("status") == "unhealthy")
    }

    @Test func `is ready from the first snapshot until it leaves, and live throughout`() async throws {
        #expect(try await self.replica.send(.get, "/health/ready").status == .ok)
        self.replica.edit { $0.storeIsAway = true }
        #expect(try await self.replica.send(.get, "/health/ready").status == .ok)
        self.replica.edit { $0.isDraining = true }
        let leaving = try await self.replica.send(.get, "/health/ready")
        #expect(leaving.status == .serviceUnavailable)
        #expect(leaving.headers[.connection] == "close")
        self.replica.edit { state in
            state.isDraining = false
            state.snapshot = nil
        }
        #expect(try await self.replica.send(.get, "/health/ready").status == .serviceUnavailable)
        #expect(try await self.replica.send(.get, "/health/live").status == .ok)
    }

    @Test func `shows models by what is registered`() async throws {
        try self.replica.add("a")
        try self.replica.add("b") { service in
            service.isDraining = true
            service.definition.modelVersion = ModelVersion("v2") ?? .unnamed
        }
        let answer = try await self.replica.send(.get, "/models/LSTM")
        #expect(try answer.string("latest") == "default")
        let versions = try #require(try answer.members()["versions"] as? [[String: Any]])
        #expect(versions.map { $0["version"] as? String } == ["default", "v2"])
        #expect(versions.map { $0["state"] as? String } == ["serving", "draining"])
        let list = try await self.replica.send(.get, "/models?limit=1")
        #expect((try list.members()["models"] as? [Any])?.count == 1)
        #expect(try list.members()["next"] is NSNull)
    }

    @Test func `waits for the epoch that a caller brings`() async throws {
        try self.replica.add("a")
        #expect(try await self.replica.send(.get, "/services", headers: [.managerEpoch: "7"]).status == .ok)
        let late = try await self.replica.send(.get, "/services", headers: [.managerEpoch: "8"])
        #expect(late.headers[.managerErrorCode] == "epoch_not_reached")
        #expect(late.headers[.retryAfter] == "1")
        #expect(self.replica.edit { $0.calls } == ["wait 7 2.0", "wait 8 2.0"])
    }

    @Test func `explains a choice`() async throws {
        let key = InstanceKey(service: try #require(ServiceID("a")), url: try ServiceURL("http://a:1"))
        self.replica.edit { state in
            let candidate = Explanation.Candidate(key: key, eligible: false, reasons: ["breaker open for 3.2 s more"])
            state.explanation = Explanation(candidates: [candidate], wouldPick: key, problem: nil)
        }
        let answer = try await self.replica.send(.get, "/explain?model_type=LSTM")
        #expect(self.replica.edit { $0.calls } == ["explain LSTM latest prediction"])
        let candidates = try #require(try answer.members()["candidates"] as? [[String: Any]])
        #expect(candidates.first?["reasons"] as? [String] == ["breaker open for 3.2 s more"])
        #expect((try answer.members()["would_pick"] as? [String: String])?["service_id"] == "a")
    }

    @Test func `shows the cluster and what it served`() async throws {
        self.replica.edit { state in
            state.statistics.requests = 10
            var service = ServiceTraffic()
            service.requests = 4
            service.latency.counts[5] = 4
            if let id = ServiceID("a") { state.statistics.services[id] = service }
        }
        let cluster = try await self.replica.send(.get, "/cluster").members()
        #expect((cluster["leader"] as? [String: Any])?["replica_id"] as? String == "r1")
        let stats = try await self.replica.send(.get, "/cluster/stats").members()
        #expect(stats["requests"] as? Int == 10)
        let service = try #require((stats["services"] as? [String: Any])?["a"] as? [String: Any])
        #expect(service["p99_ms"] as? Double == 2.5)
        #expect(stats["scope"] as? String == "replica", "nobody else could be asked")
    }

    @Test func `shows what all replicas served when the store can be asked`() async throws {
        self.replica.edit { state in
            state.statistics.requests = 10
            var served = ServedTraffic()
            (served.requests, served.failures, served.retries) = (30, 2, 1)
            if let id = ServiceID("a") { served.services[id, default: ServiceTraffic()].inFlight = 3 }
            state.served = served
        }
        let stats = try await self.replica.send(.get, "/cluster/stats").members()
        #expect(stats["requests"] as? Int == 30 && stats["failures"] as? Int == 2 && stats["retries"] as? Int == 1)
        #expect(stats["scope"] as? String == "cluster")
        let service = try #require((stats["services"] as? [String: Any])?["a"] as? [String: Any])
        #expect(service["in_flight"] as? Int == 3)
    }

    private func addEvents() {
        let events = (1...3).map { number in
            ClusterEvent(
                id: "\(number)-0",
                at: FakeReplica.started,
                actor: "r1",
                kind: "registered",
                subject: "s\(number)",
                detail: "line\nbreak",
                epoch: Epoch(Int64(number))
            )
        }
        self.replica.edit { $0.events = events }
    }

    @Test func `pages through events and streams them until the replica leaves`() async throws {
        self.addEvents()
        let page = try await self.replica.send(.get, "/events?limit=2&after=1-0")
        #expect(
            (try page.members()["events"] as? [[String: Any]])?.compactMap { $0["id"] as? String } == ["2-0", "3-0"]
        )
        #expect(try page.string("next") == "3-0")
        for (limit, status) in [(10000, 200), (10001, 422), (0, 422)] {
            #expect(try await self.replica.send(.get, "/events?limit=\(limit)").status.code == status)
        }
        let newest = try await self.replica.send(.get, "/events?limit=1").members()
        #expect((newest["events"] as? [[String: Any]])?.compactMap { $0["id"] as? String } == ["3-0"])
        #expect(newest["next"] is NSNull)
        self.replica.edit { state in state.leavesAfterEvents = true }
        let stream = try await self.replica.send(.get, "/events?follow=true&after=1-0")
        #expect(stream.headers[.contentType] == "text/event-stream")
        #expect(stream.text.hasPrefix("retry: 2000\n\nid: 2-0\nevent: registered\ndata: {\"id\":\"2-0\","))
        #expect(stream.text.components(separatedBy: "\n\n").count == 4)
    }

    @Test func `goes on with a stream where a browser saw it break`() async throws {
        self.addEvents()
        self.replica.edit { $0.leavesAfterEvents = true }
        let again = try await self.replica.send(.get, "/events?follow=true&after=1-0", headers: [.lastEventID: "2-0"])
        #expect(again.text.hasPrefix("retry: 2000\n\nid: 3-0\n"))
        let bad = try await self.replica.send(.get, "/events?follow=true", headers: [.lastEventID: "2-0\u{7F}x"])
        #expect(bad.status == .unprocessableContent, "\(bad.text)")
        #expect(bad.text.contains("last-event-id"))
    }

    @Test func `keeps a stream of events open while the store is away`() async throws {
        self.addEvents()
        self.replica.edit { state in
            state.storeIsAway = true
            state.leavesAfterEvents = true
            state.whileSleeping = { $0.storeIsAway = false }
        }
        let stream = try await self.replica.send(.get, "/events?follow=true&after=2-0")
        #expect(stream.text.hasPrefix("retry: 2000\n\n: store_unavailable\n\nid: 3-0\n"))
    }

    @Test func `bounds the streams of events, and one that is never written takes no place`() throws {
        let places = StreamPlaces(max: 2)
        var held = [places.take(), places.take()]
        #expect(held.allSatisfy { $0 != nil } && places.take() == nil)
        held.removeLast()
        #expect(places.take() != nil, "and given back at once")
        #expect(places.take() != nil)
        withExtendedLifetime(held) {}
    }

    @Test func `refuses a stream of events when too many are open`() async throws {
        let events = Events(ports: self.replica.ports)
        func follow() async throws -> Response {
            let request = Request(
                head: HTTPRequest(method: .get, scheme: nil, authority: "m", path: "/events?follow=true"),
                body: .init(buffer: ByteBuffer())
            )
            return try await events.show(
                Call(request: request, requestID: "1", caller: nil, parameters: [:], query: try Query("follow=true"))
            )
        }
        var open: [Response] = []
        for _ in 0..<Events.streamsMax { open.append(try await follow()) }
        let refusal = await #expect(throws: Problem.self) { _ = try await follow() }
        #expect(refusal?.code == .overloaded)
        open.removeLast()
        _ = try await follow()
    }

    @Test func `answers HEAD like GET without the body`() async throws {
        let get = try await self.replica.send(.get, "/health/live")
        let head = try await self.replica.send(.head, "/health/live")
        #expect(head.status == .ok)
        #expect(head.body.readableBytes == 0)
        #expect(head.headers[.contentLength] == String(get.body.readableBytes))
    }

    @Test(arguments: ["/docs", "/dashboard"])
    func `serves pages that run nothing but their own script`(path: String) async throws {
        let first = try await self.replica.send(.get, path, headers: [.accept: "text/html,*/*;q=0.8"])
        #expect(first.status == .ok)
        #expect(first.headers[.contentType] == "text/html; charset=utf-8")
        let policy: String = first.headers[.contentSecurityPolicy] ?? ""
        #expect(policy.hasPrefix("default-src 'none'; script-src 'nonce-"))
        #expect(!policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"))
        let sources: [Substring] = policy.split(separator: "'")
        let nonce = sources.first { $0.hasPrefix("nonce-") }?.dropFirst(6) ?? "none"
        #expect(first.text.contains("nonce=\"\(nonce)\""))
        for forbidden in ["innerHTML", "{{nonce}}", "src=", "href=\"http", "@import", "onclick=", "eval("] {
            #expect(!first.text.contains(forbidden), "\(forbidden)")
        }
        let second = try await self.replica.send(.get, path)
        #expect(second.headers[.contentSecurityPolicy] != policy)
    }

    @Test func `reads and links from the operators' page only what there is`() async throws {
        let page = try await self.replica.send(.get, "/dashboard").text
        let table = self.replica.face().responder.table
        let asked =
            /(?:read\(|tried\(|href: |href=)"(\/[^"?]*)[^"]*"(?: \+ encodeURIComponent\([^)]*\)(?: \+ "([^"]*)")?)?/
        let paths = page.matches(of: asked).map { found in
            String(found.1) + (found.1.hasSuffix("/") ? "x" : "") + (found.2 ?? "")
        }
        for path in paths {
            #expect(throws: Never.self, "\(path)") { try table.find(.get, path.split(separator: "/")) }
        }
        let parts = ["/health", "/cluster", "/cluster/stats", "/models", "/services", "/train", "/events"]
        #expect(Set(parts).subtracting(paths).isEmpty, "\(paths)")
        #expect(paths.contains("/services/x/health") && paths.contains("/models/x"), "\(paths)")
    }

    @Test func `passes a prediction on and its answer back`() async throws {
        let answer = try await self.replica.send(
            .post,
            "/predict",
            headers: [.requestID: "my-id", .contentType: "application/json"],
            body: #"{"model_type":"LSTM"}"#
        )
        #expect(answer.text == #"{"model_type":"LSTM"}"#)
        let sent = try #require(self.replica.edit { $0.exchanged.first })
        #expect(sent.operation == .predict)
        #expect(sent.headers.filter { $0.name.lowercased() == "x-request-id" }.map(\.value) == ["my-id"])
        #expect(answer.headers[.requestID] == "my-id")
    }

    @Test func `passes a streamed answer on as it is`() async throws {
        self.replica.edit { state in
            state.answer = { _ in
                let parts = ["one", "two", "three"].map { ByteBuffer(string: $0) }
                return GatewayAnswer(
                    status: 418,
                    headers: [("x-own", "1"), ("x-own", "2")],
                    body: FakeReplica.body(parts)
                )
            }
        }
        let answer = try await self.replica.send(.post, "/predict", body: "{}")
        #expect(answer.status.code == 418)
        #expect(answer.text == "onetwothree")
        #expect(answer.headers[values: try #require(HTTPField.Name("x-own"))] == ["1", "2"])
    }

    @Test func `refuses a prediction that is too long without asking anybody`() async throws {
        let answer = try await self.replica.send(.post, "/predict", body: "12345", settings: { $0.bodyBytesMax = 4 })
        #expect(try answer.string("detail") == "MAX_BODY_BYTES sets the limit")
        #expect(answer.status.code == 413)
        #expect(self.replica.edit { $0.exchanged.isEmpty })
        let fits = try await self.replica.send(.post, "/predict", body: "1234", settings: { $0.bodyBytesMax = 4 })
        #expect(fits.status == .ok)
    }
}
