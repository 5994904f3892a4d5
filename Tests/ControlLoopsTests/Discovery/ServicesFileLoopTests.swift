import ControlLoops
import Foundation
import Logging
import ManagerTesting
import Registry
import Testing

@Suite(.timeLimit(.minutes(5))) final class `The services file loop` {
    let registry = FakeRegistry()
    let leadership = FakeLeadership()
    let log = LogCapture()
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("services-\(UUID().uuidString)")
    var path: String { self.directory.appendingPathComponent("services.json").path }

    init() throws {
        try FileManager.default.createDirectory(at: self.directory, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: self.directory)
    }

    func loop() -> ServicesFileLoop {
        ServicesFileLoop(
            path: self.path,
            registry: self.registry,
            leadership: self.leadership,
            logger: self.log.logger()
        )
    }

    func write(_ entries: [String: Int]) throws {
        let forms = entries.sorted { $0.key < $1.key }.map {
            #""\#($0)": {"service_url": "http://\#($0):1", "model_type": "LSTM", "weight": \#($1)}"#
        }
        try self.write("{\"services\": {\(forms.joined(separator: ",\n"))}}")
    }

    func write(_ text: String) throws {
        try Data(text.utf8).write(to: URL(fileURLWithPath: self.path), options: .atomic)
    }

    /// Two turns, as a changed file is read at the second look.
    func turns(_ loop: ServicesFileLoop) async {
        await loop.turn()
        await loop.turn()
    }

    @Test func `registers what the file says at its first turn`() async throws {
        try self.write(["a": 1, "b": 2])
        await self.loop().turn()
        #expect(await self.registry.commands == ["register a file", "register b file"])
        #expect(await self.registry.applied.keys.sorted() == ["a", "b"])
    }

    @Test func `applies an entry when it changes, and one that leaves leaves the registry`() async throws {
        let loop = self.loop()
        try self.write(["a": 1, "b": 2])
        await loop.turn()
        try self.write(["b": 3, "c": 4])
        await self.turns(loop)
        #expect(await self.registry.commands.dropFirst(2) == ["register b file", "register c file", "remove a"])
        #expect(await self.registry.services["b"]?.definition.weight == 3)
        await self.turns(loop)
        #expect(await self.registry.commands.count == 5)
    }

    @Test func `leaves alone what the API changed, until the entry changes`() async throws {
        let loop = self.loop()
        try self.write(["a": 1, "b": 2])
        await loop.turn()
        await self.registry.register(try Samples.definition("a"))
        try self.write(["a": 1, "b": 3])
        await self.turns(loop)
        #expect(await self.registry.services["a"]?.source == .api)
        try self.write(["a": 9, "b": 3])
        await self.turns(loop)
        #expect(await self.registry.services["a"]?.source == .file)
        #expect(await self.registry.services["a"]?.definition.weight == 9)
    }

    @Test func `does not remove what the API registered again since`() async throws {
        let loop = self.loop()
        try self.write(["a": 1, "b": 2])
        await loop.turn()
        await self.registry.register(try Samples.definition("a"))
        try self.write([:])
        await self.turns(loop)
        #expect(await self.registry.services.keys.sorted() == ["a"])
        #expect(await self.registry.applied.isEmpty)
    }

    @Test func `remembers over a restart: undoes no API change, misses no removal`() async throws {
        try self.write(["a": 1, "b": 2])
        await self.loop().turn()
        await self.registry.register(try Samples.definition("a"))
        try self.write(["a": 1])
        await self.loop().turn()
        #expect(await self.registry.services["a"]?.source == .api)
        #expect(await self.registry.services.keys.sorted() == ["a"])
        #expect(await self.registry.commands.last == "remove b")
    }

    @Test func `keeps the old file when the new one is broken, and says so once, with line and column`() async throws {
        let loop = self.loop()
        try self.write(["a": 1])
        await loop.turn()
        try self.write("{\"services\": {\n  \"b\": }}")
        for _ in 0..<5 { await loop.turn() }
        #expect(await self.registry.services.keys.sorted() == ["a"])
        let errors = self.log.entries.filter { $0.level == .error }
        #expect(errors.count == 1)
        #expect(errors.first?.metadata["mm.line"] == "2" && errors.first?.metadata["mm.column"] == "8")
        #expect(errors.first?.metadata["mm.file"] == self.path)
        try self.write(["b": 1])
        await self.turns(loop)
        #expect(await self.registry.services.keys.sorted() == ["b"])
    }

    @Test func `keeps the services of a file that is gone, and reads it when it is back`() async throws {
        let loop = self.loop()
        try self.write(["a": 1])
        await loop.turn()
        try FileManager.default.removeItem(atPath: self.path)
        await self.turns(loop)
        #expect(await self.registry.services.keys.sorted() == ["a"])
        #expect(self.log.entries.filter { $0.level == .warning }.count == 1)
        try self.write(["b": 1])
        await loop.turn()
        #expect(await self.registry.services.keys.sorted() == ["b"])
    }

    @Test(arguments: 0...4) func `goes on where it was when the store went away`(commands: Int) async throws {
        let loop = self.loop()
        try self.write(["a": 1, "b": 1, "c": 1])
        await loop.turn()
        try self.write(["b": 2, "c": 2, "d": 2])
        await self.registry.goAway(after: commands)
        for _ in 0..<4 { await loop.turn() }
        await self.registry.comeBack()
        await loop.turn()
        #expect(await self.registry.services.mapValues(\.definition.weight) == ["b": 2, "c": 2, "d": 2])
        #expect(await self.registry.commands.count == 7)
        #expect(self.log.entries.filter { $0.level == .warning }.count == (commands == 4 ? 0 : 1))
    }

    @Test func `tells that changed settings wait for the next start`() async throws {
        let loop = self.loop()
        let told = { self.log.entries.count { $0.message.contains("at the next start") } }
        try self.write(#"{"services": {}, "settings": {"MAX_RETRIES": 1}}"#)
        await loop.turn()
        try self.write(#"{"services": {}, "settings": {"MAX_RETRIES": 1 }}"#)
        await self.turns(loop)
        #expect(told() == 0)
        try self.write(#"{"services": {}, "settings": {"MAX_RETRIES": 2}}"#)
        await self.turns(loop)
        await self.turns(loop)
        #expect(told() == 1)
    }

    @Test func `applies the others when one entry is refused for good, and does not repeat that one`() async throws {
        let loop = self.loop()
        await self.registry.refuse("b")
        try self.write(["a": 1, "b": 1, "c": 1])
        for _ in 0..<3 { await loop.turn() }
        #expect(await self.registry.services.keys.sorted() == ["a", "c"])
        let errors = self.log.entries.filter { $0.level == .error }
        #expect(errors.map { $0.metadata["mm.service"] } == ["b"])
    }

    @Test func `does not apply a file anew that was only touched`() async throws {
        let loop = self.loop()
        try self.write(["a": 1])
        await loop.turn()
        try await self.registry.remove(try #require(ServiceID("a")), source: .file, under: Term(1))
        try self.write(["a": 1])
        await self.turns(loop)
        #expect(await self.registry.services.isEmpty)
    }

    @Test func `waits while another replica leads, and applies its own copy at once when it is elected`() async throws {
        self.leadership.depose()
        let (loop, time, registry) = (self.loop(), ManualTime(), self.registry)
        try self.write(["a": 1])
        await self.turns(loop)
        #expect(await registry.commands.isEmpty)
        let running = ServicesFileLoop(
            path: self.path,
            registry: registry,
            leadership: self.leadership,
            time: time.time,
            logger: self.log.logger()
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await running.run() }
            let isAsleep = try await eventually(within: .seconds(10)) { time.sleeperCount == 1 }
            #expect(isAsleep)
            self.leadership.elect(Term(2))
            let applied = try await eventually(within: .seconds(10)) { await registry.commands == ["register a file"] }
            #expect(applied, "without any time passing")
            group.cancelAll()
        }
    }

    @Test func `applies its own copy again under a new term, as another leader's was applied since`() async throws {
        let loop = self.loop()
        try self.write(["a": 1])
        await loop.turn()
        self.leadership.depose()
        try await self.registry.setAppliedFile([:], under: Term(1))
        await loop.turn()
        #expect(await self.registry.commands.count == 1)
        self.leadership.elect(Term(2))
        await self.turns(loop)
        #expect(await self.registry.commands == ["register a file", "register a file"])
    }

    @Test func `stops when a newer leader was chosen meanwhile`() async throws {
        let loop = self.loop()
        try self.write(["a": 1])
        await self.registry.depose(before: Term(2))
        await self.turns(loop)
        #expect(await self.registry.services.isEmpty)
        self.leadership.elect(Term(3))
        await loop.turn()
        #expect(await self.registry.services.keys.sorted() == ["a"])
    }

    @Test func `takes a pipe for no file, and does not wait for it`() async throws {
        #expect(mkfifo(self.path, 0o600) == 0)
        await self.turns(self.loop())
        #expect(await self.registry.commands.isEmpty)
        #expect(self.log.entries.map(\.level) == [.warning])
        #expect(throws: ServicesFileProblem.self) { try ServicesFile.read(atPath: self.path) }
    }

    @Test func `refuses a file that is not UTF-8, naming the line`() throws {
        try Data([0x7B, 0x0A, 0x22, 0xFF, 0x22]).write(to: URL(fileURLWithPath: self.path))
        let problem = #expect(throws: ServicesFileProblem.self) { try ServicesFile.read(atPath: self.path) }
        #expect(problem?.line == 2)
    }

    @Test func `applies a change within two seconds`() async throws {
        let (time, registry) = (ManualTime(), self.registry)
        let loop = ServicesFileLoop(
            path: self.path,
            registry: self.registry,
            leadership: self.leadership,
            time: time.time,
            logger: self.log.logger()
        )
        try self.write(["a": 1])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await loop.run() }
            let first = try await eventually(within: .seconds(10)) { await registry.services.keys.sorted() == ["a"] }
            #expect(first)
            try self.write(["b": 1])
            await time.advance(by: .seconds(2), step: .milliseconds(100))
            let second = try await eventually(within: .seconds(10)) { await registry.services.keys.sorted() == ["b"] }
            #expect(second)
            group.cancelAll()
        }
    }
}
