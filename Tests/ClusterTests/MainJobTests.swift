import Foundation
import ManagerTesting
import Testing

/// The main job with the real programs: two model services behind one door, and what may happen to them.
@Suite struct `The main job` {
    @Test func `predictions are spread over both services and survive the death of one`() async throws {
        let replica = try await LocalReplica.start()
        let doomed = try await replica.startService("lstm_a")
        let other = try await replica.startService("lstm_b")
        var served: [String: Int] = [:]
        for _ in 0..<20 {
            let answer = try await replica.client.post("/predict", LocalReplica.predict)
            #expect(answer.status == 200, "\(answer.body)")
            #expect(answer.body.contains("prediction"))
            served[answer.headers["x-mm-service"] ?? "none", default: 0] += 1
        }
        // One replica: at most two apart, as while its first tickets are on their way.
        #expect(served.count == 2 && abs(served["lstm_a", default: 0] - served["lstm_b", default: 0]) <= 2, "\(served)")
        doomed.signal(SIGKILL)
        #expect(try await replica.failures(in: 100) == [])
        let client = replica.client
        #expect(
            try await eventually(within: .seconds(10)) {
                try await client.get("/services/lstm_a").body.contains(#""status":"unhealthy""#)
            }
        )
        #expect(try await replica.failures(in: 50) == [])
        other.signal(SIGTERM)
        #expect(try await other.exitCode(within: .seconds(10)) == 0)
    }

    @Test func `a service that hangs costs no prediction`() async throws {
        let replica = try await LocalReplica.start(["SERVICE_TIMEOUT": "4"])
        let stopped = try await replica.startService("lstm_a")
        let other = try await replica.startService("lstm_b")
        #expect(try await replica.failures(in: 4) == [])
        stopped.signal(SIGSTOP)
        #expect(try await replica.failures(in: 10) == [])
        stopped.signal(SIGCONT)
        other.signal(SIGTERM)
    }

    @Test func `with nobody alive the caller learns it at once, with the attempts`() async throws {
        let replica = try await LocalReplica.start(["HEALTH_CHECK_INTERVAL": "60", "RETRY_DELAY": "0.01"])
        let service = try await replica.startService("lstm_a")
        service.signal(SIGKILL)
        _ = try await service.exitCode(within: .seconds(10))
        let answer = try await replica.client.post("/predict", LocalReplica.predict)
        #expect([502, 503].contains(answer.status))
        #expect(answer.headers["x-mm-error-code"] == "upstream_unreachable")
        #expect(answer.body.contains("connect_refused"))
    }
}
