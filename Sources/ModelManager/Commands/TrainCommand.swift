import ArgumentParser
import Foundation
import Registry

/// Training jobs from the shell.
struct TrainCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train",
        abstract: "Submit, list, show and cancel training jobs.",
        subcommands: [Submit.self, List.self, Show.self, Cancel.self],
        defaultSubcommand: List.self
    )
}

extension TrainCommand {
    struct Submit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Submit a training job.")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "What to train, such as LSTM.") var modelType: String
        @Option(help: "For the trainer: JSON, or @FILE.") var config: String?
        @Option(help: "Where the data comes from: JSON such as {\"service\",\"query\"}, or @FILE.") var dataSource:
            String?
        @Option(help: "What becomes of the new version: JSON, or @FILE.") var validation: String?
        @Option(help: "Only services of this version or alias train.") var modelVersion: String?
        @Option(help: "Seconds until the job must have ended.") var timeout: Double?
        @Option(help: "The same key with the same request gives the same job.") var key: String?
        @Flag(help: "Return when the job has ended; exit code 1 unless it succeeded.") var wait = false

        func run() async throws {
            let client = try self.connection.client()
            let headers = self.key.map { [("idempotency-key", $0)] } ?? []
            var job = try await client.send(
                "POST",
                "/train",
                body: .object(JSONObject(self.members())),
                headers: headers
            )
            while self.wait, !JobTable.hasEnded(job) {
                job = try await client.send("GET", "/train/\(job.shown("job_id"))", headers: [("prefer", "wait=20")])
            }
            JobTable.show([job], self.output, isOne: true)
            guard self.wait, job.shown("status") != "succeeded" else { return }
            throw ProgramExit.failed.saying("the job \(job.shown("status")): \(job.shown("error"))")
        }

        private func members() throws -> [(String, JSONValue)] {
            var members: [(String, JSONValue)] = [("model_type", .string(self.modelType))]
            let given = [("config", self.config), ("data_source", self.dataSource), ("validation", self.validation)]
            for (name, text) in given {
                if let text { members.append((name, try JobTable.json(text, of: name))) }
            }
            if let modelVersion { members.append(("model_version", .string(modelVersion))) }
            if let timeout { members.append(("timeout", .number(timeout))) }
            return members
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the newest jobs.")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @Option(help: "Only queued, running, succeeded, failed, cancelled or interrupted ones.") var status: String?
        @Option(help: "Only of this model type.") var modelType: String?
        @Option(help: "At most so many.") var limit = 100

        func run() async throws {
            let filters = [("limit", String(self.limit)), ("status", self.status), ("model_type", self.modelType)]
            let query = filters.compactMap { name, value in value.map { "\(name)=\($0)" } }.joined(separator: "&")
            let page = try await self.connection.client().send("GET", "/train?\(query)")
            JobTable.show(page.list("jobs"), self.output)
        }
    }

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show one job with everything known of it.")
        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var output: OutputOptions
        @Argument(help: "The job.") var job: String

        func run() async throws {
            let job = try await self.connection.client().send("GET", "/train/\(self.job)")
            guard self.output.output == .table else { return JobTable.show([job], self.output, isOne: true) }
            guard case .object(let members) = job else { return }
            let rows = members.members.filter { $0.value != .null }.map { [$0.name, job.shown($0.name)] }
            print(TablePrinter.render(["FIELD", "VALUE"], rows))
        }
    }

    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Cancel a job and tell what came of it.")
        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "The job.") var job: String

        func run() async throws {
            let client = try self.connection.client()
            let job = try await client.send("DELETE", "/train/\(self.job)", headers: [("prefer", "wait=10")])
            let said = job.shown("cancel") == "-" ? "" : ", \(job.shown("cancel"))"
            print("\(self.job) is \(job.shown("status"))\(said)")
        }
    }
}
