import ArgumentParser
import Registry
import Testing

@testable import ModelManager

/// What the commands about recorded predictions take, and tell of themselves.
@Suite struct `The recording commands` {
    private static let recording: [any ParsableCommand.Type] = [
        ModelsCommand.Recording.Start.self, ModelsCommand.Recording.Status.self, ModelsCommand.Recording.Stop.self,
    ]

    @Test func `are listed with what they do, and explain every option`() {
        let help = ModelsCommand.helpMessage(for: ModelsCommand.Recording.self, columns: 200)
        for command in Self.recording {
            #expect(help.contains(command.configuration.abstract), "\(command)")
            let own = ModelsCommand.helpMessage(for: command, columns: 200)
            for line in own.split(separator: "\n") where line.hasPrefix("  -") || line.hasPrefix("  <") {
                #expect(line.contains(/\S {2,}\S/), "no explanation: \(line)")
            }
        }
        #expect(help.contains("seven days") && help.contains("forgets"))
        #expect(ModelsCommand.helpMessage(columns: 200).contains("recording"))
    }

    @Test(arguments: [
        (["recording", "start", "LSTM", "--share", "0.5", "--limit", "10"], true),
        (["recording", "start", "LSTM"], false), (["recording", "status", "LSTM", "-o", "json"], true),
        (["recording", "stop", "LSTM"], true), (["recording", "stop"], false),
        (["evaluate", "LSTM", "v2", "--metric", "mae", "--recording", "--limit", "5"], true),
        (["evaluate", "LSTM", "v2", "--metric", "mae", "--dataset", "{}"], true),
        (["evaluate", "LSTM", "v2", "--metric", "mae"], false),
        (["evaluate", "LSTM", "v2", "--metric", "mae", "--dataset", "{}", "--recording"], false),
        (["evaluate", "LSTM", "v2", "--metric", "mae", "--dataset", "{}", "--limit", "5"], false),
    ])
    func `take what makes sense`(arguments: [String], isTaken: Bool) {
        #expect(((try? ModelsCommand.parseAsRoot(arguments)) != nil) == isTaken)
    }

    @Test(arguments: [
        ([], #"{"recording":true}"#), (["--limit", "5"], #"{"recording":{"limit":5}}"#),
        (["--recorded-version", "v1"], #"{"recording":{"version":"v1"}}"#),
    ])
    func `say what of it is put to a version`(arguments: [String], dataset: String) throws {
        let line = ["evaluate", "LSTM", "v2", "--metric", "mae", "--recording"] + arguments
        let command = try #require(try ModelsCommand.parseAsRoot(line) as? ModelsCommand.Evaluate)
        #expect(try command.samples().serialized() == dataset)
    }
}
