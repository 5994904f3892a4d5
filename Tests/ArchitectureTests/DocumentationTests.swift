import Foundation
import Testing

/// What the documents say is what the code does.
@Suite struct `The documents` {
    static let documents = [
        "README.md", "ARCHITECTURE.md", "CHANGELOG.md", "cluster/README.md", "cluster/bench/README.md",
        "docs/lifecycle.md", "docs/training.md",
    ]

    @Test(arguments: documents) func `have one title`(path: String) throws {
        var isCode = false
        var titles = 0
        for line in try SourceTree.text(path).components(separatedBy: "\n") {
            if line.hasPrefix("```") { isCode.toggle() }
            if !isCode && line.hasPrefix("# ") { titles += 1 }
        }
        #expect(titles == 1)
    }

    @Test func `the README names every configuration variable with its default`() throws {
        let readme = try SourceTree.text("README.md")
        let source = try SourceTree.text("Sources/ModelManager/Configuration/Setting.swift")
        let settings = source.matches(of: /name: "([A-Z_]+)",\s+defaultText: "([^"]*)"/)
        #expect(settings.count > 20)
        for setting in settings {
            let row = readme.components(separatedBy: "\n").first { $0.hasPrefix("| `\(setting.1)` |") }
            #expect(row != nil, "README has no row for \(setting.1)")
            if !setting.2.isEmpty {
                #expect(row?.contains("`\(setting.2)`") == true, "README: default of \(setting.1)")
            }
        }
    }

    @Test func `every relative link leads somewhere`() throws {
        for document in Self.documents {
            let folder =
                document.contains("/") ? document[..<(document.lastIndex(of: "/") ?? document.endIndex)] + "/" : ""
            for link in try SourceTree.text(document).matches(of: /\]\(([^)#:]+)(#[^)]*)?\)/) {
                let target = SourceTree.root.appending(path: folder + String(link.1))
                #expect(FileManager.default.fileExists(atPath: target.path()), "\(document): \(link.1)")
            }
        }
    }

    @Test func `every capability of the feature map has its rooms`() throws {
        let architecture = try SourceTree.text("ARCHITECTURE.md")
        let rows = architecture.components(separatedBy: "\n").filter { $0.hasPrefix("| ") && $0.contains("`Sources/") }
        #expect(rows.count >= 8)
        for row in rows {
            for path in row.matches(of: /`((?:Sources|cluster|Tests)\/[^`]+)`/) {
                #expect(
                    FileManager.default.fileExists(atPath: SourceTree.root.appending(path: String(path.1)).path()),
                    "ARCHITECTURE.md: \(path.1)"
                )
            }
        }
    }

    @Test func `no document or source names a machine's own paths`() throws {
        let places = try SourceTree.swiftFiles().filter { !$0.path.hasPrefix("Tests/ArchitectureTests") }
        for file in places {
            for (index, line) in file.lines.enumerated() where line.contains(/"\/(work|root|home|farm)\//) {
                Issue.record("\(file.path):\(index + 1)")
            }
        }
    }
}
