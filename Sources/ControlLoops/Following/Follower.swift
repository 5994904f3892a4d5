public import ClusterState
public import Logging
public import Registry
public import ServiceLifecycle
internal import Synchronization

/// Keeps this replica's snapshot equal to the registry in Redis, and keeps the last one when Redis is away.
///
/// Three loops: one follows (waits for the log on a connection of its own, compares every two seconds), one publishes
/// what changed, however much changed meanwhile, as one snapshot; one keeps it on disk. All rules are the machine's.
public final class Follower: ServiceLifecycle.Service {
    private let state: ClusterState
    private let feed: ChangeFeed
    private let holder: SnapshotHolder
    private let contact: StoreContact
    private let disk: DiskSnapshot?
    private let logger: Logger
    private let machine = Mutex(FollowerMachine())
    private let changes: AsyncStream<Void>
    private let changed: AsyncStream<Void>.Continuation

    /// How long to wait for Redis at the start before what is on disk is served.
    private static let patience = Duration.seconds(5)
    private static let compareInterval = Duration.seconds(2)
    private static let keepInterval = Duration.seconds(30)
    private static let restoresAtOnceMax = 32
    /// Reads of the log that fail in a row while Redis answers comparisons: more of them, and it is not followed.
    private static let failedReadsMax = 3
    /// After a failed read of the log the next one need not wait for news to show that it works again.
    private static let trialWait = Duration.milliseconds(20)

    /// The `disk` is nil where nothing is to be kept.
    public init(
        state: ClusterState,
        feed: ChangeFeed,
        holder: SnapshotHolder,
        contact: StoreContact,
        disk: DiskSnapshot?,
        logger: Logger
    ) {
        self.state = state
        self.feed = feed
        self.holder = holder
        self.contact = contact
        self.disk = disk
        self.logger = logger
        (self.changes, self.changed) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    /// The epoch that changes made by this replica must surpass.
    public var floor: Epoch {
        self.machine.withLock { $0.epoch }
    }

    /// Which registry this replica follows, and up to where: Redis knew that once.
    public var place: (generation: Generation, epoch: Epoch) {
        self.machine.withLock { ($0.generation, $0.epoch) }
    }

    /// Takes a change that Redis acknowledged into this replica's next snapshot, without waiting for the log.
    public func note(_ entry: LogEntry) {
        self.machine.withLock { $0.note(entry) }
        self.changed.yield()
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                group.addTask { await self.follow() }
                group.addTask { await self.publish() }
                group.addTask { await self.keep() }
            }
        }
    }
}

// MARK: Following

extension Follower {
    private func follow() async {
        var nextComparison = ContinuousClock.now
        var failuresInRow = 0
        var isHelpRenewed = false
        while !Task.isCancelled {
            do throws(StateError) {
                if ContinuousClock.now >= nextComparison {
                    try await self.compare(isFollowed: failuresInRow == 0)
                    if !isHelpRenewed { isHelpRenewed = await self.renewHelp() }
                    nextComparison = .now + Self.compareInterval * Double.random(in: 0.9...1.1)
                }
                let end = failuresInRow == 0 ? nextComparison : .now + Self.trialWait
                let isGap = try await self.readLog(until: end, mayFail: failuresInRow < Self.failedReadsMax)
                failuresInRow = 0
                if isGap { nextComparison = .now }
            } catch {
                nextComparison = .now
                self.machine.withLock { $0.interrupt() }
                failuresInRow += 1
                try? await Task.sleep(for: Self.pause(failuresInRow))
            }
        }
    }

    /// Short at first, because the client may be about to reconnect; a second when Redis stays unusable.
    private static func pause(_ failuresInRow: Int) -> Duration {
        .milliseconds(50 << min(failuresInRow - 1, 4)) * Double.random(in: 0.8...1.2)
    }

    /// Returns whether there is a gap in the log.
    ///
    /// A failure that `mayFail` is no news: its connection comes back a moment later than the one of the comparison,
    /// which follows at once and tells whether Redis is away.
    private func readLog(until end: ContinuousClock.Instant, mayFail: Bool) async throws(StateError) -> Bool {
        let wait = max(end - .now, .milliseconds(1))
        let entries: [LogEntry]
        do throws(StateError) {
            entries = try await self.feed.entries(after: self.floor, within: wait)
        } catch {
            if !mayFail { self.lost(error) }
            throw error
        }
        if self.contact.heard() { self.sayFollowed() }
        guard !entries.isEmpty else { return false }
        let action = self.machine.withLock { $0.receive(entries) }
        self.tell()
        return action == .catchUp
    }

    /// The table of keys in Redis may be that of an older version of this program. False: Redis takes no writes now.
    private func renewHelp() async -> Bool {
        let generation = self.machine.withLock { $0.generation }
        return (try? await self.state.open(heirOf: generation)) != nil
    }

    /// Asks and answers until the machine rests. Redis counts as followed when it answers, unless the log could not be
    /// read before: then that has to work again, too.
    private func compare(isFollowed: Bool) async throws(StateError) {
        var isNews = false
        var step = self.machine.withLock { $0.compare() }
        do throws(StateError) {
            while step != .rest {
                step = try await self.take(step)
                if isFollowed, self.contact.heard() { isNews = true }
            }
        } catch {
            self.lost(error)
            throw error
        }
        self.tell()
        if isNews { self.sayFollowed() }
    }

    private func take(_ step: FollowerMachine.Step) async throws(StateError) -> FollowerMachine.Step {
        switch step {
        case .rest:
            return .rest
        case .sync(let generation, let epoch):
            let reply = try await self.state.sync(generation: generation, since: epoch)
            return self.machine.withLock { $0.receive(reply) }
        case .open(let parent):
            _ = try await self.state.open(heirOf: parent)
            return self.machine.withLock { $0.done() }
        case .read(let cursor):
            let page = try await self.state.page(cursor)
            return self.machine.withLock { $0.receive(page) }
        case .recount:
            try await self.state.recount()
            return self.machine.withLock { $0.done() }
        case .restore(let records, let generation, let floor):
            let results = try await self.restore(records, generation, floor)
            return self.machine.withLock { $0.restored(results) }
        }
    }

    /// Gives the records back, some at a time.
    private func restore(
        _ records: [RegistryRecord],
        _ generation: Generation,
        _ floor: Epoch
    ) async throws(StateError) -> [(record: RegistryRecord, result: Restoration)] {
        var results: [(record: RegistryRecord, result: Restoration)] = []
        for start in stride(from: 0, to: records.count, by: Self.restoresAtOnceMax) {
            let some = records[start..<min(start + Self.restoresAtOnceMax, records.count)]
            results += try await self.state.restore(Array(some), generation: generation, floor: floor)
        }
        return results
    }

    private func sayFollowed() {
        self.logger.info("redis is followed", metadata: ["mm.epoch": "\(self.floor)"])
    }

    private func lost(_ error: StateError) {
        guard !Task.isCancelled, self.contact.lost(because: "\(error)") else { return }
        let metadata: Logger.Metadata = ["mm.epoch": "\(self.floor)", "mm.error": "\(error)"]
        self.logger.warning("redis is away, the last snapshot is kept", metadata: metadata)
    }

    /// Has the change published, and says what people should know.
    private func tell() {
        self.changed.yield()
        for notice in self.machine.withLock({ $0.takeNotices() }) {
            switch notice {
            case .unreadable(let key, let reason):
                let metadata: Logger.Metadata = ["mm.record": "\(key)", "mm.error": "the record \(reason)"]
                self.logger.error("a record in redis cannot be read, its last good form is kept", metadata: metadata)
            case .restored(let count):
                self.logger.warning("records that redis lost were given back", metadata: ["mm.count": "\(count)"])
            case .foreign(let generation):
                let metadata: Logger.Metadata = ["mm.generation": "\(generation)"]
                self.logger.error("redis holds another registry, it was taken as it is", metadata: metadata)
            case .contradictory:
                self.logger.error("the registry in redis contradicts its digest")
            }
        }
    }
}

// MARK: Publishing and keeping

extension Follower {
    private func publish() async {
        var published = 0
        for await _ in self.changes {
            let began = ContinuousClock.now
            guard let draft = self.machine.withLock({ $0.draft }), draft.revision != published else { continue }
            published = draft.revision
            self.holder.publish(draft.snapshot(after: self.holder.current))
            // Half of the time at most goes into snapshots; changes that come meanwhile share the next one.
            try? await Task.sleep(for: ContinuousClock.now - began)
        }
    }

    private func keep() async {
        try? await Task.sleep(for: Self.patience)
        self.sayWhyNeverFollowed()
        guard let disk else { return }
        if !self.contact.wasEverHeard { self.remember(disk) }
        var kept = 0
        while !Task.isCancelled {
            self.keep(on: disk, unless: &kept)
            try? await Task.sleep(for: Self.keepInterval)
        }
        self.keep(on: disk, unless: &kept)
    }

    /// That Redis is connected does not mean that it can be used: it may lack a right, or hold something else.
    private func sayWhyNeverFollowed() {
        guard !Task.isCancelled, !self.contact.wasEverHeard, let failure = self.contact.failure else { return }
        self.logger.warning("redis cannot be followed yet", metadata: ["mm.error": "\(failure)"])
    }

    private func keep(on disk: DiskSnapshot, unless kept: inout Int) {
        let machine = self.machine.withLock { $0 }
        guard machine.hasFollowed, machine.revision != kept else { return }
        do {
            try disk.save(machine.kept)
            kept = machine.revision
        } catch {
            self.logger.warning("the snapshot cannot be kept on disk", metadata: ["mm.error": "\(error)"])
        }
    }

    private func remember(_ disk: DiskSnapshot) {
        do {
            guard let kept = try disk.load() else { return }
            let isTaken = self.machine.withLock { machine in
                guard !machine.hasFollowed else { return false }
                machine = FollowerMachine(remembering: kept)
                return true
            }
            guard isTaken else { return }
            self.changed.yield()
            let metadata: Logger.Metadata = ["mm.epoch": "\(kept.epoch)", "mm.count": "\(kept.records.count)"]
            self.logger.warning("the snapshot on disk is served until redis is followed", metadata: metadata)
        } catch {
            self.logger.error("the snapshot on disk cannot be read", metadata: ["mm.error": "\(error)"])
        }
    }
}
