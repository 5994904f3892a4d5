import Foundation

/// The repository's own text, read from where this test was compiled.
struct SourceTree {
    struct File {
        /// Relative to the root, with slashes.
        var path: String
        var lines: [String]
        var text: String { self.lines.joined(separator: "\n") }
        var module: String { String(self.path.split(separator: "/").dropFirst().first ?? "") }
        var isTest: Bool { self.path.hasPrefix("Tests/") }
    }

    static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    static func text(_ path: String) throws -> String {
        try String(contentsOf: self.root.appending(path: path), encoding: .utf8)
    }

    /// Files below a folder whose names end so, sorted by path; build products are left out.
    static func files(below folder: String, ending: String) throws -> [File] {
        let base = self.root.appending(path: folder)
        guard let walk = FileManager.default.enumerator(atPath: base.path()) else { return [] }
        let paths = walk.compactMap { $0 as? String }.filter { $0.hasSuffix(ending) && !$0.contains(".build") }
        return try paths.sorted().map { path in
            File(path: "\(folder)/\(path)", lines: try Self.text("\(folder)/\(path)").components(separatedBy: "\n"))
        }
    }

    static func swiftFiles() throws -> [File] {
        try self.files(below: "Sources", ending: ".swift") + self.files(below: "Tests", ending: ".swift")
    }

    static func sources() throws -> [File] {
        try self.files(below: "Sources", ending: ".swift")
    }
}
