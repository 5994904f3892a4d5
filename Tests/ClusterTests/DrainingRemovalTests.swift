import Foundation
import ManagerTesting
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(3))) struct `A service that is removed after its last request` {
    private static let form = """
        {"service_id": "a", "service_url": "URL", "model_type": "LSTM", "capabilities": ["prediction"], "timeout": 300}
        """

    @Test func `waits for requests of other replicas`() async throws {
        let stub = try await StubUpstream.start { _, request in
            guard request.hasPrefix("POST /predict") else { return [.send(StubUpstream.json("{}")), .next] }
            return [.hold, .send(StubUpstream.json(#"{"prediction": 1}"#)), .next]
        }
        let cluster = try await LocalCluster.start(["r1", "r2"])
        defer { cluster.end() }
        let (first, second) = (cluster.replicas[0], cluster.replicas[1])
        #expect(try await first.client.registers(Self.form.replacing("URL", with: stub.url)))
        #expect(try await eventually(within: .seconds(20)) { try await Self.knows(second) })
        #expect(try await eventually(within: .seconds(20)) { try await first.members() == ["r1", "r2"] })

        async let prediction = second.client.post("/predict", LocalReplica.predict)
        #expect(
            try await eventually(within: .seconds(20)) { stub.requests.contains { $0.hasPrefix("POST /predict") } }
        )
        let removed = Mutex<Int?>(nil)
        async let removal: Void = {
            let status = try await first.client.send("DELETE", "/services/a?drain=true").status
            removed.withLock { $0 = status }
        }()
        #expect(
            try await eventually(within: .seconds(20)) {
                try await second.client.get("/services/a").body.contains(#""status":"draining""#)
            }
        )
        // Both have told each other how they are meanwhile, more than once.
        #expect(try await !happens(within: .seconds(3)) { removed.withLock { $0 != nil } }, "it did not wait")
        stub.release()
        let answer = try await prediction
        #expect(answer.status == 200, "\(answer)")
        try await removal
        #expect(removed.withLock { $0 } == 200)
        #expect(try await first.client.get("/services/a").status == 404)
        await stub.stop()
    }

    private static func knows(_ member: LocalCluster.Member) async throws -> Bool {
        try await member.client.get("/explain?model_type=LSTM").body.contains("\"a\"")
    }
}
