import Testing

/// DESIGN's import table. That `Gateway` imports neither `ClusterState` nor `RedisClient` makes "no Redis on the request
/// path" a fact of the build.
@Suite struct `The import table` {
    static let allowed: [String: Set<String>] = [
        "RedisClient": [
            "CHiredis", "NIOCore", "NIOPosix", "NIOSSL", "Logging", "ServiceLifecycle", "Foundation",
            "Synchronization", "Glibc",
        ],
        "Registry": [],
        "Decisions": ["Registry"],
        "ClusterState": ["RedisClient", "Registry", "ClusterFunctions", "Logging", "Synchronization"],
        "Gateway": [
            "Registry", "Decisions", "NIOCore", "NIOPosix", "NIOHTTP1", "NIOSSL", "Crypto", "Logging",
            "Synchronization",
            "Glibc",
        ],
        "ControlLoops": [
            "Registry", "Decisions", "ClusterState", "Gateway", "ServiceLifecycle", "Logging", "Yams", "Foundation",
            "Synchronization", "NIOCore", "Glibc",
        ],
        "ManagerAPI": [
            "Registry", "Decisions", "Gateway", "ClusterState", "JWTKit", "Hummingbird", "HummingbirdCore", "HTTPTypes",
            "NIOCore", "Logging",
            "Synchronization", "ServiceLifecycle",
            "Foundation", "NIOHTTP1", "NIOPosix", "Glibc",
        ],
    ]

    @Test func `each module imports only what the table names`() throws {
        for file in try SourceTree.sources() {
            for name in Self.forbidden(in: file) { Issue.record("\(file.path) imports \(name)") }
        }
    }

    @Test(arguments: ["import RedisClient", "internal import ClusterState", "@testable public import RedisClient"])
    func `would find an import of Redis in the data plane`(line: String) {
        let file = SourceTree.File(path: "Sources/Gateway/Door/Door.swift", lines: ["import NIOCore", line])
        #expect(Self.forbidden(in: file).count == 1)
    }

    private static func forbidden(in file: SourceTree.File) -> [String] {
        guard let allowed = self.allowed[file.module] else { return [] }
        return self.imports(file).filter { !allowed.contains($0) }
    }

    @Test func `the request path cannot reach Redis`() throws {
        for module in ["Gateway", "Decisions", "Registry"] {
            #expect(Self.allowed[module]?.isDisjoint(with: ["RedisClient", "ClusterState"]) == true)
            #expect(
                try SourceTree.sources().contains { $0.module == module },
                "\(module) has no sources: the test would be empty"
            )
        }
    }

    private static func imports(_ file: SourceTree.File) -> [String] {
        file.lines.compactMap { line in
            let words = line.split(separator: " ")
            guard let place = words.firstIndex(of: "import"), place <= 2, !line.hasPrefix("//"), !line.hasPrefix(" ")
            else { return nil }
            return words.last.map { String($0.split(separator: ".").first ?? $0) }
        }
    }
}
