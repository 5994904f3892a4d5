import ArgumentParser
import Registry

extension ModelsCommand {
    /// Shares and copies of the traffic that names no version.
    struct Traffic: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Split the traffic of a model over versions, and copy it to one.",
            discussion:
                "What is left out ends: without shares all goes to the latest, without --shadow nothing is copied."
        )
        @OptionGroup var connection: ConnectionOptions
        @Argument(help: "The model type.") var modelType: String
        @Argument(help: "Percentages that add up to 100, such as v1=90 v2=10.") var shares: [String] = []
        @Option(help: "A version that gets copies, whose answers are compared and dropped.") var shadow: String?
        @Option(help: "How many of a hundred requests are copied.") var percent: Int64 = 100
        @Option(help: "The member of the answers whose numbers are compared.") var field = Shadow.fieldDefault

        func run() async throws {
            let client = try self.connection.client()
            let path = "/models/\(self.modelType)/traffic"
            let members = try self.members()
            let answer =
                if members.isEmpty {
                    try await client.send("DELETE", path)
                } else {
                    try await client.send("PUT", path, body: .object(JSONObject(members)))
                }
            print("\(self.modelType): \(answer["traffic"]?.serialized() ?? "-"), epoch \(answer.shown("epoch"))")
        }

        private func members() throws -> [(String, JSONValue)] {
            var members: [(String, JSONValue)] = []
            if !self.shares.isEmpty { members.append(("split", .object(JSONObject(try self.shares.map(Self.share))))) }
            if let shadow {
                let order: JSONValue = [
                    "version": .string(shadow), "percent": .integer(self.percent), "field": .string(self.field),
                ]
                members.append(("shadow", order))
            }
            return members
        }

        private static func share(_ text: String) throws -> (String, JSONValue) {
            let sides = text.split(separator: "=")
            guard sides.count == 2, let percent = Int64(sides[1]) else {
                throw ValidationError("\(text): write VERSION=PERCENT")
            }
            return (String(sides[0]), .integer(percent))
        }
    }
}
