import Foundation
import Testing

/// The table of promises in `cluster/README.md` names stories, tests, controls and goals that exist.
@Suite struct `The table of promises` {
    @Test func `has a row for each of the twelve, with what shows it and what is seen without the mechanism`() throws {
        let rows = try Self.rows()
        #expect(rows.map(\.number) == Array(1...12))
        for row in rows {
            #expect(!row.shown.isEmpty, "promise \(row.number) is shown by nothing")
            #expect(!row.controls.isEmpty, "promise \(row.number) has no negative control")
        }
    }

    @Test func `names only what exists`() throws {
        for row in try Self.rows() {
            for reference in row.shown + row.controls where try !Self.exists(reference, in: row) {
                Issue.record("promise \(row.number): \(reference)")
            }
        }
    }

    @Test(arguments: [
        "99-no-such-story", "control: NO_SUCH=1", "TicketSimulationTests: no such test",
        "NoSuchTests: take turns together",
        "goals: change-ms:5000:1", "something else",
    ]) func `would not pass with a name of nothing`(reference: String) throws {
        let row = try #require(try Self.rows().first)
        #expect(try !Self.exists(reference, in: row))
    }

    private struct Row {
        var number: Int
        var shown: [String]
        var controls: [String]
    }

    private static func rows() throws -> [Row] {
        let text = try SourceTree.text("cluster/README.md")
        let table = text.components(separatedBy: "### Promises, and what shows them").last ?? ""
        return table.components(separatedBy: "\n").compactMap { line in
            let cells = line.components(separatedBy: " | ")
            guard cells.count == 3, let number = Int(cells[0].drop { !$0.isNumber }.prefix { $0.isNumber }) else {
                return nil
            }
            return Row(number: number, shown: self.references(cells[1]), controls: self.references(cells[2]))
        }
    }

    private static func references(_ cell: String) -> [String] {
        cell.matches(of: /`([^`]+)`/).map { String($0.1) }
    }

    private static func exists(_ reference: String, in row: Row) throws -> Bool {
        if reference.wholeMatch(of: /\d\d-[a-z-]+/) != nil { return try self.story(reference) != nil }
        if reference.hasPrefix("control: ") {
            return try row.shown.contains { try self.story($0)?.contains("\n\(reference)\n") == true }
        }
        guard let match = reference.wholeMatch(of: /(\w+): (.+)/) else { return false }
        if match.1 == "goals" {
            return try SourceTree.text("cluster/bench/goals").components(separatedBy: "\n").contains(String(match.2))
        }
        let files = try SourceTree.files(below: "Tests", ending: "/\(match.1).swift")
        return files.contains { $0.text.contains("func `\(match.2)`") }
    }

    private static func story(_ name: String) throws -> String? {
        try SourceTree.files(below: "cluster/scenarios", ending: ".txt").first { $0.path.hasSuffix("/\(name).txt") }?
            .text
    }
}
