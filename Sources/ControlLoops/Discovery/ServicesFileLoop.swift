internal import Decisions
public import Logging
internal import Registry
public import ServiceLifecycle

/// Keeps the registry in step with the services file of the leader.
///
/// Every half second: look, read when it changed, check it as a whole; at the leader, apply what changed. A broken file is
/// logged once, with line and column, and the old one stays. What was applied is remembered in the store, entry by entry,
/// so that a failure half-way, a restart or an absence of the store repeats no more than one command.
/// The hard case is a change of leaders: each replica has its own copy of the file, and a new leader applies its own from
/// the start, even one it had applied under an earlier term, because another leader's may have been applied since.
public actor ServicesFileLoop: ServiceLifecycle.Service {
    private let path: String
    private let registry: any DiscoveryCommands
    private let leadership: any Leadership
    private let time: LoopTime
    private let logger: Logger
    private var watch = FileWatch()
    /// The text that was read last, so that a touched file is not applied anew.
    private var lastText: UInt64?
    /// The settings that a good file had when it was last read; the program read them once, when it started.
    private var settings: [String: String]?
    /// What the file said when it was last read and good.
    private var entries: [FileReconciliation.Entry]?
    /// The term under which these entries were applied to their end.
    private var appliedUnder: Term?
    private var isWaitingForStore = false
    private let bell = Bell()

    /// A change is applied after two to three of these.
    public static let tick: Duration = .milliseconds(500)

    public init(
        path: String,
        registry: any DiscoveryCommands,
        leadership: any Leadership,
        time: LoopTime = .system,
        logger: Logger
    ) {
        self.path = path
        self.registry = registry
        self.leadership = leadership
        self.time = time
        self.logger = logger
        leadership.onElected { [bell] in bell.ring() }
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                await self.turn()
                await self.bell.wait(atMost: Self.tick, self.time)
            }
        }
    }

    /// One turn. The first one reads the file at once; the first one as a leader applies it.
    public func turn() async {
        switch self.watch.look(FileLabel.read(atPath: self.path)) {
        case .nothing: break
        case .reportGone: self.logger.warning("the services file is gone; its services stay", metadata: self.metadata())
        case .read: self.read()
        }
        guard let entries = self.entries, let term = self.leadership.term, term != self.appliedUnder else { return }
        await self.apply(entries, under: term)
    }

    private func read() {
        do throws(ServicesFileProblem) {
            let text = try ServicesFile.text(atPath: self.path)
            let hash = StableHash.of(text)
            guard hash != self.lastText else { return }
            self.lastText = hash
            let file = try ServicesFile.parse(text)
            self.entries = file.services.map { FileReconciliation.Entry($0) }
            self.appliedUnder = nil
            self.note(file.settings)
        } catch {
            self.logger.error(
                "the services file is refused; the old one stays",
                metadata: self.metadata([
                    "mm.line": "\(error.line)", "mm.column": "\(error.column)", "mm.problem": "\(error.sentence)",
                ])
            )
        }
    }

    private func note(_ settings: [String: String]) {
        defer { self.settings = settings }
        guard let before = self.settings, before != settings else { return }
        self.logger.warning("settings of the services file take effect at the next start", metadata: self.metadata())
    }

    private func apply(_ entries: [FileReconciliation.Entry], under term: Term) async {
        do {
            var applied = try await self.registry.appliedFile()
            let work = FileReconciliation(applied: applied, entries: entries)
            if !work.isEmpty {
                let failure = await self.carryOut(work, &applied, under: term)
                try await self.registry.setAppliedFile(applied, under: term)
                if let failure { throw failure }
                self.report(work)
            }
            self.appliedUnder = term
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
    private func carryOut(
        _ work: FileReconciliation,
        _ applied: inout [String: String],
        under term: Term
    ) async -> (any Error)? {
        do {
            for entry in work.register {
                let id = entry.definition.id
                try await self.unlessRefused(id) {
                    try await self.registry.register(entry.definition, source: .file, under: term)
                }
                applied[id.text] = entry.fingerprint
            }
            for name in work.remove {
                if let id = ServiceID(name) {
                    try await self.unlessRefused(id) {
                        try await self.registry.remove(id, source: .file, under: term)
                    }
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
