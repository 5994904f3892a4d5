import Foundation
import ManagerTesting
import Registry
import Testing

/// A data service is judged like any other: jobs do not ask one that is unhealthy, and say so.
///
/// With real programs: Python's file server, whose health is a file that is there or not, and the demo as the trainer.
@Suite struct `A data service` {
    private static let python = "/usr/bin/python3"
    private static let hasPython = FileManager.default.isExecutableFile(atPath: Self.python)

    @Test(.enabled(if: Self.hasPython, "there is no \(Self.python)"))
    func `is not asked while it is unhealthy, which fails the job that needs it, and is again when it is well`()
        async throws
    {
        let replica = try await LocalReplica.start()
        let files = try ScratchFolder()
        let rows = (0..<60).map { "\($0),\(Double($0 % 10) / 10)" }
        try files.write((["time,value"] + rows).joined(separator: "\n") + "\n", to: "sine.csv")
        try files.write("well", to: "health")
        let (server, url) = try await Self.serve(files)
        let trainer = try await replica.startService("lstm_a")
        let form = #"{"service_id":"files","service_url":"\#(url)","kind":"data","health_path":"/health"}"#
        #expect(try await replica.client.registers(form))
        #expect(try await Self.becomes("healthy", replica.client))
        #expect(try files.take("health"))
        #expect(try await Self.becomes("unhealthy", replica.client))
        #expect(try await PlainClient(url).get("/sine.csv").status == 200, "it would answer, but nobody asks")
        let failed = try await Self.train(replica.client)
        #expect(failed["status"] == "failed" && failed["code"] == "upstream_unreachable", "\(failed.serialized())")
        let why = "the data service files is away: \(url) is unhealthy"
        #expect(failed["error"]?.asString == why && failed["attempts"] == [], "\(failed.serialized())")
        try files.write("well", to: "health")
        #expect(try await Self.becomes("healthy", replica.client))
        let trained = try await Self.train(replica.client)
        #expect(trained["status"] == "succeeded" && trained["rows"] == 60, "\(trained.serialized())")
        server.signal(SIGTERM)
        trainer.signal(SIGTERM)
    }

    /// On a port that the system chose.
    private static func serve(_ folder: ScratchFolder) async throws -> (RunningProgram, String) {
        let arguments = ["-u", "-m", "http.server", "--bind", "127.0.0.1", "--directory", folder.path, "0"]
        let server = try await RunningProgram.start(self.python, arguments, waitsForReady: false)
        let line = try await server.line(beginning: "Serving HTTP on ", within: .seconds(60))
        let port = try #require(line?.firstMatch(of: /port (\d+)/)?.1)
        return (server, "http://127.0.0.1:\(port)")
    }

    private static func becomes(_ status: String, _ client: PlainClient) async throws -> Bool {
        try await eventually(within: .seconds(30)) {
            try await JSONValue.parse(client.get("/services/files").body)["status"]?.asString == status
        }
    }

    /// The job at its end.
    private static func train(_ client: PlainClient) async throws -> JSONValue {
        let source = #"{"service": "files", "query": {"path": "/sine.csv"}}"#
        let body = #"{"model_type": "LSTM", "config": {"epochs": 1}, "data_source": \#(source)}"#
        let answer = try await client.post("/train", body, headers: ["prefer: wait=60"])
        #expect(answer.status == 200, "\(answer.body)")
        return try JSONValue.parse(answer.body)
    }
}
