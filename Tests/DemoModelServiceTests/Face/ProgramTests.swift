import Foundation
import ManagerTesting
import Testing

@testable import DemoModelService

@Suite struct `The program` {
    /// The executable that was built along with the tests.
    private static let path: String = {
        let tests = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
        let places = [tests, Bundle.main.bundleURL] + [URL(filePath: ".build/debug")]
        let programs = places.map { $0.appending(path: "demo-model-service").path }
        return programs.first { FileManager.default.isExecutableFile(atPath: $0) } ?? "demo-model-service"
    }()

    @Test func `is ready with an address, and leaves cleanly after the request in flight`() async throws {
        let arguments = ["--model-type", "LSTM_MULTISTEP", "--versions", "v3", "--delay-ms", "2000", "--count", "1"]
        let program = try await RunningProgram.start(Self.path, arguments)
        #expect(program.standardOutput.contains(" model_type=LSTM_MULTISTEP version=v3\n"))
        let client = PlainClient(program.url)
        let port = try #require(URL(string: program.url)?.port)
        async let late = RawExchange.post("/predict", #"{"data":[1,2]}"#, port: port)
        let arrived = try await eventually(within: .seconds(10)) {
            try await JSONAnswer(client.get("/_stats")).number("in_flight") == 1
        }
        #expect(arrived)
        program.signal(SIGTERM)
        let report = try await late
        #expect(report.head.hasPrefix("HTTP/1.1 200"))
        #expect(try await program.exitCode(within: .seconds(10)) == 0)
    }

    @Test func `leaves although a request hangs`() async throws {
        let program = try await RunningProgram.start(Self.path, ["--hang"])
        let client = PlainClient(program.url)
        let port = try #require(URL(string: program.url)?.port)
        async let hung = RawExchange.post("/predict", #"{"data":[1,2]}"#, port: port)
        let arrived = try await eventually(within: .seconds(10)) {
            try await JSONAnswer(client.get("/_stats")).number("in_flight") == 1
        }
        #expect(arrived)
        program.signal(SIGTERM)
        #expect(try await program.exitCode(within: .seconds(10)) == 0)
        let report = try await hung
        #expect(report.ending == .reset)
        #expect(report.received.isEmpty)
    }

    @Test(arguments: [
        ["--versions", "v1,v1"], ["--versions", "a b"], ["--port", "70000"], ["--status", "99"],
        ["--register-with", "manager"], ["--lease", "5"], ["--share", "2"], ["--model-type", ""],
    ])
    func `refuses wrong options with 64`(arguments: [String]) async throws {
        let program = try await RunningProgram.start(Self.path, arguments, waitsForReady: false)
        let code = try await program.exitCode(within: .seconds(20))
        #expect(code == 64)
        let reason = try await program.errorLine(containing: "Error: ", within: .seconds(5))
        #expect(reason != nil)
    }
}
