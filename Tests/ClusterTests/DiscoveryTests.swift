import Foundation
import ManagerTesting
import Testing

/// Model services that nobody registered, found and lost again by the real programs.
@Suite(.timeLimit(.minutes(5))) struct `Discovery in a running replica` {
    static func serve() async throws -> RunningProgram {
        try await RunningProgram.start(
            ProgramFolder.program("demo-model-service"),
            ["--name", "unknown", "--model-type", "LSTM"]
        )
    }

    static func port(_ program: RunningProgram) throws -> Int {
        try #require(URL(string: program.url)?.port)
    }

    @Test func `finds two services by their seeds, forgets one that died, and serves all the while`() async throws {
        let (first, second) = (try await Self.serve(), try await Self.serve())
        let ports = [try Self.port(first), try Self.port(second)]
        let replica = try await LocalReplica.start([
            "DISCOVERY_SEEDS": ports.map { "127.0.0.1:\($0)" }.joined(separator: ","),
            "SERVICE_DISCOVERY_INTERVAL": "0.3",
        ])
        let client = replica.client
        let ids = ports.map { "probe-127.0.0.1-\($0)" }
        for id in ids {
            let isFound = try await eventually(within: .seconds(30)) {
                try await client.get("/services/\(id)").body.contains(#""source":"probe""#)
            }
            #expect(isFound, "\(id): \(replica.manager.standardError)")
        }
        #expect(try await replica.failures(in: 10) == [])
        second.signal(SIGKILL)
        #expect(try await replica.failures(in: 10) == [])
        let isGone = try await eventually(within: .seconds(30)) {
            try await client.get("/services/\(ids[1])").status == 404
        }
        #expect(isGone)
        #expect(try await replica.failures(in: 10) == [])
        #expect(try await client.get("/services/\(ids[0])").status == 200)
        let metrics = try await client.get("/metrics").body
        #expect(metrics.contains(#"model_manager_discovery_found{source="seeds"} 1"#))
        #expect(metrics.contains("model_manager_discovery_last_sweep_timestamp_seconds"))
        #expect(try await client.get("/events").body.contains(#""kind":"swept""#))
        first.signal(SIGTERM)
    }

    @Test func `makes the addresses of a name instances`() async throws {
        let service = try await Self.serve()
        let replica = try await LocalReplica.start(["SERVICE_DISCOVERY_INTERVAL": "0.3"])
        let client = replica.client
        let port = try Self.port(service)
        let body = """
            {"service_id": "m", "service_url": "http://localhost:\(port)", "model_type": "LSTM",
             "capabilities": ["prediction"], "discovery": "dns"}
            """
        #expect(try await client.post("/services/register", body).status == 201)
        let isResolved = try await eventually(within: .seconds(30)) {
            try await client.get("/services/m/health").body.contains("http://127.0.0.1:\(port)")
        }
        #expect(isResolved)
        #expect(try await replica.failures(in: 5) == [])
        #expect(try await client.get("/services/m").body.contains("http://localhost:\(port)"))
        service.signal(SIGTERM)
    }
}
