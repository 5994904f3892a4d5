import Foundation
import ManagerTesting
import Testing

/// A replica that slept for longer than its lease does not know what it missed.
@Suite struct `A replica that was paused` {
    @Test func `catches up before it serves again`() async throws {
        let old = try await StubUpstream.answering(StubUpstream.json(#""old""#))
        let new = try await StubUpstream.answering(StubUpstream.json(#""new""#))
        let cluster = try await LocalCluster.start(["r1", "r2"])
        defer { cluster.end() }
        let (first, second) = (cluster.replicas[0], cluster.replicas[1])
        try await Self.register("old", old.url, at: first)
        let known = try await eventually(within: .seconds(10)) {
            try await second.client.get("/services/old").status == 200
        }
        #expect(known)
        let both = try await eventually(within: .seconds(10)) { try await first.members() == ["r1", "r2"] }
        #expect(both)
        second.program.signal(SIGSTOP)
        try await Self.register("new", new.url, at: first)
        #expect(try await first.client.send("DELETE", "/services/old").status == 200)
        let counted = try await eventually(within: .seconds(12)) { try await first.members() == ["r1"] }
        #expect(counted, "its session is over")
        // Connections are accepted by the kernel meanwhile; the request is there when it wakes.
        let client = second.client
        async let answer = client.post("/predict", #"{"model_type": "LSTM", "data": [1]}"#)
        second.program.signal(SIGCONT)
        let answered = try await answer
        #expect(answered.status == 200)
        #expect(answered.body == #""new""#, "it used what it knew before it slept: \(answered.headers)")
        await old.stop()
        await new.stop()
    }

    private static func register(_ id: String, _ url: String, at member: LocalCluster.Member) async throws {
        let body =
            #"{"service_id": "\#(id)", "service_url": "\#(url)", "model_type": "LSTM", "capabilities": ["prediction"]}"#
        #expect(try await member.client.registers(body))
    }
}
