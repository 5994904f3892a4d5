import Testing

/// Words that do not occur, each with its reason.
@Suite struct `Banned words` {
    struct Ban {
        var word: String
        var reason: String
        /// Path prefixes in which it is looked for; empty: all sources.
        var only: [String] = []
        /// Path prefixes in which it is allowed.
        var except: [String] = []
    }

    static let bans: [Ban] = [
        Ban(word: "fatalError(", reason: "errors are values"),
        Ban(word: "try!", reason: "errors are values"),
        Ban(word: " as!", reason: "casts are checked"),
        Ban(
            word: "print(",
            reason: "data goes through the CLI's output, everything else to the log",
            except: ["Sources/ModelManager/Commands", "Sources/DemoModelService"]
        ),
        Ban(word: "Task.detached", reason: "concurrency is structured"),
        Ban(
            word: "Date()",
            reason: "time is a parameter",
            only: ["Sources/Registry", "Sources/Decisions", "Sources/Gateway"]
        ),
        Ban(word: ".now", reason: "time is a parameter", only: ["Sources/Registry", "Sources/Decisions"]),
        Ban(word: ".random(", reason: "randomness is injected", only: ["Sources/Registry", "Sources/Decisions"]),
        Ban(word: "TODO", reason: "what is missing is an issue"),
        Ban(word: "FIXME", reason: "what is missing is an issue"),
        Ban(word: "XXX", reason: "what is missing is an issue", except: ["Sources/ManagerTesting"]),
        Ban(word: "Thread.sleep", reason: "nothing blocks a thread"),
        // Option 1 of a socket is SO_DEBUG, which only root may set: every connection of another user fails.
        Ban(word: "socketOption(.tcp_", reason: "TCP_NODELAY is an option of TCP: tcpOption"),
        Ban(word: "being built", reason: "no stub behind a name that promises more"),
    ]

    @Test func `no source contains them`() throws {
        for file in try SourceTree.sources() {
            for ban in Self.bans where Self.applies(ban, to: file.path) {
                for (index, line) in file.lines.enumerated()
                where line.contains(ban.word) && !line.drop(while: { $0 == " " }).hasPrefix("//") {
                    Issue.record("\(file.path):\(index + 1) says \(ban.word): \(ban.reason)")
                }
            }
        }
    }

    /// Objects confined to one event loop, or that wrap a C object behind a lock; each says so where it stands.
    static let uncheckedSendableRooms = [
        "Sources/Gateway/", "Sources/RedisClient/", "Sources/ManagerAPI/Door/", "Sources/ManagerTesting/",
        "Sources/ModelManager/Composition/",
    ]

    @Test func `unchecked sendability stays in its rooms`() throws {
        for file in try SourceTree.sources() where file.text.contains("@unchecked Sendable") {
            #expect(Self.uncheckedSendableRooms.contains { file.path.hasPrefix($0) }, "\(file.path)")
        }
    }

    @Test func `no test sleeps to synchronise`() throws {
        for file in try SourceTree.files(below: "Tests", ending: ".swift")
        where !file.path.hasPrefix("Tests/ArchitectureTests") {
            for (index, line) in file.lines.enumerated() where line.contains("Thread.sleep") || line.contains("usleep(")
            {
                Issue.record("\(file.path):\(index + 1) sleeps")
            }
        }
    }

    @Test func `no file has a name that says nothing`() throws {
        let refused = ["Utils", "Helpers", "Common", "Misc", "Extensions", "Base"]
        for file in try SourceTree.swiftFiles() {
            let name = String(file.path.split(separator: "/").last?.replacing(".swift", with: "") ?? "")
            #expect(!refused.contains(name) && !name.hasSuffix("Manager"), "\(file.path)")
        }
    }

    private static func applies(_ ban: Ban, to path: String) -> Bool {
        (ban.only.isEmpty || ban.only.contains { path.hasPrefix($0) }) && !ban.except.contains { path.hasPrefix($0) }
    }
}
