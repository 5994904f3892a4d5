import ArgumentParser
import Registry

extension ModelsCommand {
    /// Offline tests from the shell.
    struct Evaluate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Test a version offline, and wait for the verdict.",
            discussion: "Exit code 1 when the test was not passed, 75 when there was no verdict in time."
        )
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The model type.") var modelType: String
        @Argument(help: "The version.") var version: String
        @Option(help: "The samples: JSON such as {\"inline\": [{\"data\", \"expected\"}]}, or @FILE.") var dataset:
            String?
        @Flag(help: "Instead of a dataset: what was recorded (see `models recording`), the newest first.")
        var recording = false
        @Option(help: "With --recording: so many at most.") var limit: Int64?
        @Option(help: "With --recording: only what this version answered.") var recordedVersion: String?
        @Option(help: "mse, mae, rmse, mape, accuracy or latency.") var metric: String
        @Option(help: "A version or alias that must not do better.") var baseline: String?
        @Option(help: "The value that is just good enough.") var threshold: Double?
        @Option(help: "A service of kind validation that has the last word.") var validator: String?
        @Option(help: "Seconds until the verdict must be there.") var timeout = 600.0

        func validate() throws {
            guard self.recording == (self.dataset == nil) else {
                throw ValidationError("name a --dataset, or --recording")
            }
            guard self.recording || self.limit == nil && self.recordedVersion == nil else {
                throw ValidationError("--limit and --recorded-version go with --recording")
            }
        }

        func run() async throws {
            let client = try self.connection.client()
            let path = "/models/\(self.modelType)/versions/\(self.version)"
            let body = JSONValue.object(JSONObject(try self.members()))
            let id = try await client.send("POST", path + "/evaluate", body: body).shown("evaluation_id")
            let verdict = try await self.verdict(id, at: path, client)
            self.show(verdict)
            guard verdict["passed"]?.asBool != true else { return }
            throw ProgramExit.failed.saying("\(self.modelType) \(self.version) did not pass")
        }

        func samples() throws -> JSONValue {
            if let dataset { return try JobTable.json(dataset, of: "dataset") }
            var wanted: [(String, JSONValue)] = []
            if let limit { wanted.append(("limit", .integer(limit))) }
            if let recordedVersion { wanted.append(("version", .string(recordedVersion))) }
            return ["recording": wanted.isEmpty ? true : .object(JSONObject(wanted))]
        }

        private func members() throws -> [(String, JSONValue)] {
            var members: [(String, JSONValue)] = [
                ("dataset", try self.samples()), ("metric", .string(self.metric)),
                ("timeout", .number(self.timeout)),
            ]
            if let baseline { members.append(("baseline", .string(baseline))) }
            if let threshold { members.append(("threshold", .number(threshold))) }
            if let validator { members.append(("validator", .string(validator))) }
            return members
        }

        /// Others may wait before it.
        private func verdict(_ id: String, at path: String, _ client: APIClient) async throws -> JSONValue {
            let deadline = ContinuousClock.now + .seconds(self.timeout + 60)
            while ContinuousClock.now < deadline {
                let verdicts = try await client.send("GET", path).list("evaluations")
                if let verdict = verdicts.first(where: { $0.shown("evaluation_id") == id }) { return verdict }
                try await Task.sleep(for: .milliseconds(250))
            }
            throw ProgramExit.tryAgainLater.saying("there is no verdict yet; it will stand in GET \(path)")
        }

        private func show(_ verdict: JSONValue) {
            guard self.output.output == .table else { return print(verdict.serialized(pretty: true)) }
            let baseline = verdict["baseline"].map { "\($0.shown("version")) \($0.shown("value"))" } ?? "-"
            let row = [
                verdict.shown("metric"), verdict.shown("value"), baseline, verdict.shown("threshold"),
                verdict.shown("samples"), verdict.shown("failed"), verdict.shown("passed"), verdict.shown("error"),
            ]
            let head = ["METRIC", "VALUE", "BASELINE", "THRESHOLD", "SAMPLES", "FAILED", "PASSED", "ERROR"]
            print(TablePrinter.render(head, [row]))
        }
    }
}
