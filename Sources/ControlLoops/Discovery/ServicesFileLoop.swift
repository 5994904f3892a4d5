internal import Decisions
public import Logging
internal import Registry
public import ServiceLifecycle

/// Keeps the registry in step with the services file.
///
/// Every half second: look, read when it changed, check it as a whole, apply what changed. A broken file is logged once,
/// with line and column, and the old one stays. What was applied is remembered in the store, entry by entry, so that a
/// failure half-way, a restart or an absence of the store repeats no more than one command.
public actor ServicesFileLoop: ServiceLifecycle.Service {
    private let path: String
    private let registry: any DiscoveryCommands
    private let time: LoopTime
    private let logger: Logger
    private var watch = FileWatch()
    /// The text that was read last, so that a touched file is not applied anew.
    private var lastText: UInt64?
    /// Read, and not applied yet to its end.
    private var pending: [FileReconciliation.Entry]?
    private var isWaitingForStore = false

    /// A change is applied after two to three of these.
    public static let tick: Duration = .milliseconds(500)

    public init(path: String, registry: any DiscoveryCommands, time: LoopTime = .system, logger: Logger) {
        self.path = path
        self.registry = registry
        self.time = time
        self.logger = logger
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.turn()
                try? await self.time.sleep(Self.tick)
            }
        }
    }

    /// One turn. The first one reads and applies the file at once.
    public func turn() async {
        switch self.watch.look(FileLabel.read(atPath: self.path)) {
        case .nothing: break
        case .reportGone: self.logger.warning("the services file is gone; its services stay", metadata: self.metadata())
        case .read: self.read()
        }
        if let entries = self.pending { await self.apply(entries) }
    }

    private func read() {
        do throws(ServicesFileProblem) {
            let text = try ServicesFile.text(atPath: self.path)
            let hash = StableHash.of(text)
            guard hash != self.lastText else { return }
            self.lastText = hash
            self.pending = try ServicesFile.parse(text).services.map { FileReconciliation.Entry($0) }
        } catch {
            self.logger.error(
                "the services file is refused; the old one stays",
                metadata: self.metadata([
                    "mm.line": "\(error.line)", "mm.column": "\(error.column)", "mm.problem": "\(error.sentence)",
                ])
            )
        }
    }

    private func apply(_ entries: [FileReconciliation.Entry]) async {
        do {
            var applied = try await self.registry.appliedFile()
            let work = FileReconciliation(applied: applied, entries: entries)
            if !work.isEmpty {
                let failure = await self.carryOut(work, &applied)
                try await self.registry.setAppliedFile(applied)
                if let failure { throw failure }
                self.report(work)
            }
            self.pending = nil
            self.isWaitingForStore = false
        } catch {
            guard !self.isWaitingForStore else { return }
            self.isWaitingForStore = true
            self.logger.warning(
                "the services file is not applied yet; it will be tried again",
                metadata: self.metadata(["mm.problem": "\(error)"])
            )
        }
    }

    /// Stops at the first command that cannot be done now, and hands back why; `applied` says what is done.
    private func carryOut(_ work: FileReconciliation, _ applied: inout [String: String]) async -> (any Error)? {
        do {
            for entry in work.register {
                let id = entry.definition.id
                try await self.unlessRefused(id) { try await self.registry.register(entry.definition, source: .file) }
                applied[id.text] = entry.fingerprint
            }
            for name in work.remove {
                if let id = ServiceID(name) {
                    try await self.unlessRefused(id) { try await self.registry.remove(id, source: .file) }
                }
                applied[name] = nil
            }
            return nil
        } catch {
            return error
        }
    }

    /// A command refused for good is logged and counts as done: it is tried again when its entry changes.
    private func unlessRefused(_ id: ServiceID, _ command: () async throws -> Void) async throws {
        do {
            try await command()
        } catch let refusal as CommandRefused {
            self.logger.error(
                "an entry of the services file cannot be applied",
                metadata: self.metadata(["mm.service": "\(id)", "mm.problem": "\(refusal.reason)"])
            )
        }
    }

    private func report(_ work: FileReconciliation) {
        let counts: Logger.Metadata = ["mm.registered": "\(work.register.count)", "mm.removed": "\(work.remove.count)"]
        self.logger.info("the services file is applied", metadata: self.metadata(counts))
    }

    private func metadata(_ more: Logger.Metadata = [:]) -> Logger.Metadata {
        more.merging(["mm.file": "\(self.path)"]) { $1 }
    }
}
