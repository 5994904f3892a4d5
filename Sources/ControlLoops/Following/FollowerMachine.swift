public import ClusterState
public import Registry

/// Keeps a replica's memory of the registry equal to the store's, whatever happens to either.
///
/// Intuition: a reader of a serial story. An instalment that begins where the last one ended is read on; at any other
/// one the reader asks the publisher for those between, and if these are out of print buys the book. When the
/// publisher's archive burns, the readers bring back what they remember.
///
/// The hard case is the store that went back: after a fail-over or a wipe it stands below the replica's epoch and
/// may have gone on from there. Which of the two is right is decided record by record, by stamp, and inside Redis;
/// a data set that has nothing to do with the one this replica followed is taken as it is and given nothing.
///
/// What has to be asked of the store is one `Step` at a time; the shell runs it and tells the machine the reply.
public struct FollowerMachine: Sendable {
    public enum Phase: Hashable, Sendable {
        /// Entries of the log are applied one after the other. Can move to `comparing`.
        case following
        /// The store has been asked where it stands. Can move to `following`, `reading`.
        case comparing
        /// Pages of everything are being read. Can move to `restoring`, `comparing`, `following`.
        case reading
        /// What the store lost is being given back. Can move to `comparing`, `following`.
        case restoring
    }

    /// What the shell shall ask of the store next.
    public enum Step: Hashable, Sendable {
        case sync(generation: Generation, since: Epoch)
        /// There is no data set: begin one.
        case open(heirOf: Generation)
        case read(PageCursor)
        case restore([RegistryRecord], generation: Generation, floor: Epoch)
        /// Have the store count its records: its digest does not tell the truth.
        case recount
        /// Nothing; go on with the log.
        case rest
    }

    /// What became of entries of the log.
    public enum EntriesAction: Hashable, Sendable {
        case applied
        /// There is a gap before one of them: call `compare()`.
        case catchUp
    }

    public private(set) var phase: Phase = .following
    public private(set) var table = RegistryTable()
    public private(set) var generation: Generation = .none
    /// Every change up to here is in the table.
    public private(set) var epoch: Epoch = .zero
    /// Changes whenever a snapshot of the table would.
    public private(set) var revision = 0
    /// Whether the table was equal to the store's at least once.
    public private(set) var hasFollowed = false

    /// The store's clock when it last answered for this generation.
    private var contact = Timestamp(milliseconds: 0)
    private var reading: FullRead?
    /// The highest epoch of an own write; and what it was when the store was asked.
    private var noted: Epoch = .zero
    private var notedBeforeAsking: Epoch = .zero
    private var effort = Effort()
    private var notices: [FollowerNotice] = []

    /// What one catching-up has cost so far: bounds it, so that a store that contradicts itself cannot keep us busy.
    private struct Effort: Hashable {
        var reads = 0
        var recounts = 0
        static let readsMax = 3
    }

    public init() {}

    /// Begins with what an earlier replica of this machine kept on disk, as if this one had followed it.
    public init(remembering kept: KeptRegistry) {
        self.generation = kept.generation
        self.epoch = kept.epoch
        self.contact = kept.contact
        for record in kept.records { self.table.apply(record) }
        self.revision = 1
    }

    /// What to keep on disk.
    public var kept: KeptRegistry {
        KeptRegistry(
            generation: self.generation,
            epoch: self.epoch,
            contact: self.contact,
            records: Array(self.table.records.values)
        )
    }

    /// Nil until everything was read once: part of a registry is none.
    public var draft: SnapshotDraft? {
        guard self.generation != .none else { return nil }
        return SnapshotDraft(
            revision: self.revision,
            epoch: self.epoch,
            services: self.table.services,
            pointers: self.table.pointers
        )
    }

    public func snapshot() -> RegistrySnapshot { self.draft?.snapshot() ?? .empty }

    /// What happened that people should know; each is told once.
    public mutating func takeNotices() -> [FollowerNotice] {
        defer { self.notices = [] }
        return self.notices
    }
}

// MARK: Changes, one by one

extension FollowerMachine {
    /// The log has grown.
    public mutating func receive(_ entries: [LogEntry]) -> EntriesAction {
        guard self.phase == .following else { return .catchUp }
        for entry in entries where entry.epoch > self.epoch {
            guard self.follow(entry) else { return .catchUp }
        }
        return .applied
    }

    /// The store acknowledged a change that this replica made itself: it need not wait for the log.
    public mutating func note(_ entry: LogEntry) {
        self.noted = max(self.noted, entry.epoch)
        if self.phase == .following, self.follow(entry) { return }
        guard let record = entry.record else { return }
        self.apply(record)
        self.reading?.table.apply(record)
    }

    /// Applies an entry that begins where the table ends.
    private mutating func follow(_ entry: LogEntry) -> Bool {
        guard self.generation != .none, entry.previous == self.epoch else { return false }
        if let record = entry.record { self.apply(record) }
        self.epoch = entry.epoch
        self.revision += 1
        return true
    }

    private mutating func apply(_ record: RegistryRecord) {
        if case .unreadable(_, let reason) = record.content {
            self.notices.append(.unreadable(record.key, reason: reason))
        }
        self.table.apply(record)
        self.revision += 1
    }
}

// MARK: Catching up

extension FollowerMachine {
    /// It is time to compare, or something is amiss.
    public mutating func compare() -> Step {
        self.effort = Effort()
        return self.ask()
    }

    /// Redis cannot be reached; what was under way is given up, what is known stays.
    public mutating func interrupt() {
        self.phase = .following
        self.reading = nil
    }

    public mutating func receive(_ reply: SyncReply) -> Step {
        guard self.phase == .comparing else { return .rest }
        switch reply {
        case .empty:
            return .open(heirOf: self.generation)
        case .unchanged(let head):
            return self.check(head)
        case .delta(let head, let entries):
            for entry in entries where entry.epoch > self.epoch {
                guard self.follow(entry) else { return self.read(head, isLost: false) }
            }
            return self.epoch < head.epoch ? self.proceed(entries.isEmpty, head) : self.check(head)
        case .full(let head):
            return self.read(head, isLost: false)
        case .lost(let head):
            return self.read(head, isLost: true)
        }
    }

    /// A generation was begun, or the records were counted.
    public mutating func done() -> Step {
        self.ask()
    }

    /// Nil: the data set is gone again.
    public mutating func receive(_ page: RegistryPage?) -> Step {
        guard self.phase == .reading, var reading = self.reading else { return .rest }
        guard let page, page.generation == reading.head.generation else { return self.ask() }
        for record in page.records { reading.table.apply(record) }
        self.reading = reading
        if let next = page.next { return .read(next) }
        let missing = reading.missing(from: self.table)
        guard !missing.isEmpty else { return self.adopt(reading) }
        self.phase = .restoring
        let floor = missing.map(\.stamp).reduce(self.epoch) { max($0, $1) }
        return .restore(missing, generation: reading.head.generation, floor: floor)
    }

    /// What became of the records that were to be given back.
    public mutating func restored(_ results: [(record: RegistryRecord, result: Restoration)]) -> Step {
        guard self.phase == .restoring, var reading = self.reading else { return .rest }
        guard !results.contains(where: { $0.result == .foreign }) else { return self.ask() }
        for (record, result) in results where result == .restored || result == .same {
            reading.table.apply(record)
        }
        let count = results.count { $0.result == .restored }
        if count > 0 { self.notices.append(.restored(count)) }
        return self.adopt(reading)
    }

    private mutating func ask() -> Step {
        self.reading = nil
        self.phase = .comparing
        self.notedBeforeAsking = self.noted
        return .sync(generation: self.generation, since: self.epoch)
    }

    private mutating func rest() -> Step {
        self.phase = .following
        self.hasFollowed = true
        return .rest
    }

    private mutating func proceed(_ isStuck: Bool, _ head: StoreHead) -> Step {
        isStuck ? self.read(head, isLost: false) : self.ask()
    }

    /// The table has come to where the store stands: is it the same?
    private mutating func check(_ head: StoreHead) -> Step {
        // An own write that was acknowledged before the store was asked, and which it does not know, is lost.
        guard head.epoch >= self.notedBeforeAsking else { return self.read(head, isLost: true) }
        self.contact = head.time
        // The store was asked before the latest own writes: they are in the table and not in the digest.
        guard self.epoch == head.epoch, self.noted <= head.epoch else { return self.rest() }
        if self.table.digest == head.digest { return self.rest() }
        if self.effort.reads > 0, self.effort.recounts == 0 {
            self.effort.recounts += 1
            return .recount
        }
        return self.read(head, isLost: false)
    }

    private mutating func read(_ head: StoreHead, isLost: Bool) -> Step {
        guard self.effort.reads < Effort.readsMax else {
            self.notices.append(.contradictory)
            return self.rest()
        }
        self.effort.reads += 1
        let isSame = head.generation == self.generation
        let isHeir = head.parent == self.generation && self.generation != .none
        let isYounger = head.born >= self.contact
        let mayRestore = isSame || isHeir || isYounger
        if !mayRestore, self.generation != .none { self.notices.append(.foreign(head.generation)) }
        self.reading = FullRead(head: head, isStoreYounger: isLost || !isSame, mayRestore: mayRestore)
        self.phase = .reading
        return .read(.start)
    }

    /// Everything was read, and what was lost given back: this is the registry now, up to the log after `head`.
    private mutating func adopt(_ reading: FullRead) -> Step {
        self.noticeUnreadable(in: reading.table)
        var table = reading.table
        table.recall(from: self.table)
        if reading.mayRestore { table.recallRemovals(from: self.table) }
        self.table = table
        self.generation = reading.head.generation
        self.epoch = reading.head.epoch
        self.contact = reading.head.time
        self.noted = .zero  // what the store lost was given back, and it is asked once more from here
        self.revision += 1
        return self.ask()
    }

    private mutating func noticeUnreadable(in table: RegistryTable) {
        for record in table.records.values where self.table.records[record.key] != record {
            guard case .unreadable(_, let reason) = record.content else { continue }
            self.notices.append(.unreadable(record.key, reason: reason))
        }
    }
}
