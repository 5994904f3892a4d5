import Foundation
import ManagerTesting
import Testing

/// The commands of the CLI against a real replica.
@Suite struct `The commands` {
    static func run(_ arguments: [String], at url: String) async throws -> (
        code: Int32?, output: String, errors: String
    ) {
        let program = try await RunningProgram.start(
            ProgramFolder.program("model-manager"),
            arguments,
            environment: ["MODEL_MANAGER_URL": url],
            waitsForReady: false
        )
        let code = try await program.exitCode(within: .seconds(20))
        let output = program.standardOutput.split(separator: "\n", omittingEmptySubsequences: false).dropFirst().joined(
            separator: "\n"
        )
        return (code, output, program.standardError)
    }

    @Test func `register, list, drain, show, explain and remove`() async throws {
        let replica = try await LocalReplica.start()
        let url = replica.manager.url
        // Again after a 503, as whoever runs it would: a busy disk keeps a new Redis from answering in time.
        let isRegistered = try await eventually(within: .seconds(30)) {
            let command = ["services", "register", "svc1", "http://127.0.0.1:9", "--model-type", "LSTM"]
            let registered = try await Self.run(command, at: url)
            try #require([0, 75].contains(registered.code), "\(registered.errors)")
            return registered.code == 0
        }
        #expect(isRegistered)
        let list = try await Self.run(["services", "list"], at: url)
        #expect(list.output.contains("SERVICE") && list.output.contains("svc1"))
        #expect(try await Self.run(["services", "list", "-o", "json"], at: url).output.contains(#""service_id""#))
        #expect(try await Self.run(["services", "drain", "svc1"], at: url).code == 0)
        #expect(try await Self.run(["cluster", "explain", "LSTM"], at: url).output.contains("drain"))
        #expect(try await Self.run(["services", "health", "svc1"], at: url).code == 0)
        #expect(try await Self.run(["cluster", "status"], at: url).output.contains("REPLICA"))
        #expect(try await Self.run(["cluster", "events"], at: url).output.contains("svc1"))
        #expect(try await Self.run(["healthcheck"], at: url).code == 0)
        #expect(try await Self.run(["services", "remove", "svc1"], at: url).code == 0)
        let gone = try await Self.run(["services", "health", "svc1"], at: url)
        #expect(gone.code == 1)
        #expect(gone.errors.contains("svc1"))
    }

    @Test func `say what is wrong with the code that fits`() async throws {
        #expect(try await Self.run(["services", "list"], at: "http://127.0.0.1:1").code == 69)
        #expect(try await Self.run(["healthcheck"], at: "http://127.0.0.1:1").code == 1)
        #expect(try await Self.run(["services", "frobnicate", "x"], at: "http://127.0.0.1:1").code == 64)
        #expect(try await Self.run(["serve", "--no-such-option"], at: "http://127.0.0.1:1").code == 64)
    }
}
