import Foundation
import ManagerTesting

/// One replica with its private Redis and as many demo services as asked for: the real programs, on loopback.
struct LocalReplica {
    let folder: ScratchFolder
    let environment: [String: String]
    var manager: RunningProgram

    static let predict =
        #"{"model_type": "LSTM", "data": [0.1, 0.2, 0.3, 0.2, 0.1, 0.2, 0.3, 0.2, 0.1, 0.2, 0.3, 0.2]}"#

    /// With `filesMax` it may open no more files than that.
    static func start(
        _ extra: [String: String] = [:],
        folder: ScratchFolder? = nil,
        filesMax: Int? = nil
    ) async throws -> LocalReplica {
        let folder = try folder ?? ScratchFolder()
        let fixed = [
            "API_HOST": "127.0.0.1", "API_PORT": "0", "DATA_DIR": folder.path + "/data", "HEALTH_CHECK_INTERVAL": "0.5",
            "DRAIN_DELAY": "0",
            "EVENT_LOOPS": "2",
        ]
        let environment = fixed.merging(extra) { $1 }
        return LocalReplica(
            folder: folder,
            environment: environment,
            manager: try await Self.startManager(environment, in: folder, filesMax: filesMax)
        )
    }

    static func startManager(
        _ environment: [String: String],
        in folder: ScratchFolder,
        filesMax: Int? = nil
    ) async throws -> RunningProgram {
        var words = [ProgramFolder.program("model-manager"), "serve"]
        if let filesMax { words = ["/usr/bin/prlimit", "--nofile=\(filesMax)"] + words }
        return try await RunningProgram.start(
            words[0],
            Array(words[1...]),
            environment: environment,
            directory: folder.path
        )
    }

    /// Another one in the same place while this one runs, which it must refuse; does not wait until it serves.
    func startSecondManager() async throws -> RunningProgram {
        try await RunningProgram.start(
            ProgramFolder.program("model-manager"),
            ["serve"],
            environment: self.environment,
            directory: self.folder.path,
            waitsForReady: false
        )
    }

    /// The same replica again, after it ended.
    mutating func startAgain() async throws {
        self.manager = try await Self.startManager(self.environment, in: self.folder)
    }

    var client: PlainClient { PlainClient(self.manager.url) }

    /// Starts a demo service and waits until the manager knows it.
    func startService(_ id: String, modelType: String = "LSTM") async throws -> RunningProgram {
        let service = try await RunningProgram.start(
            ProgramFolder.program("demo-model-service"),
            ["--service-id", id, "--name", id, "--model-type", modelType, "--register-with", self.manager.url]
        )
        let client = self.client
        guard try await eventually(within: .seconds(30), { try await client.get("/services/\(id)").status == 200 })
        else {
            throw RunningProgram.StartFailure(description: "\(id) did not register: \(service.standardError)")
        }
        return service
    }

    /// How many of so many predictions failed, with what they answered.
    func failures(in count: Int) async throws -> [String] {
        var failures: [String] = []
        for _ in 0..<count {
            let answer = try await self.client.post("/predict", Self.predict)
            if answer.status != 200 { failures.append("\(answer.status) \(answer.body)") }
        }
        return failures
    }
}
