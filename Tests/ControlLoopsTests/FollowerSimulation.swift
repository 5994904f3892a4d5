import ClusterState
import ControlLoops
import Registry

/// Several followers and one store, with every fault that can come between them; one seed is one history.
struct FollowerSimulation {
    enum Fault: String, CaseIterable, Sendable {
        /// The log loses its beginning.
        case trim
        /// FLUSHALL.
        case wipe
        /// A fail-over that loses the latest writes.
        case rollBack
        /// The store's wall clock falls back.
        case clockStep
    }

    /// What is taken out, to see that its absence is noticed.
    enum Omission: Sendable {
        case nothing
        /// Followers never ask where the store stands; they only read the log.
        case comparing
        /// What was lost is not given back.
        case restoring
    }

    private(set) var store = FollowerStoreModel()
    private(set) var followers: [FollowerMachine]
    /// The last acknowledged change of each record.
    private var acknowledged: [RecordKey: RegistryRecord] = [:]
    private let faults: [Fault]
    private let omission: Omission

    init(followers: Int, faults: [Fault], omission: Omission = .nothing) {
        self.followers = Array(repeating: FollowerMachine(), count: followers)
        self.faults = faults
        self.omission = omission
        self.store.refusesRestoring = omission == .restoring
        for place in self.followers.indices { self.catchUp(place) }
    }

    /// Something happens.
    mutating func turn(using random: inout some RandomNumberGenerator) {
        self.store.clock += Int64.random(in: 1...5000, using: &random)
        let place = Int.random(in: 0..<self.followers.count, using: &random)
        switch Int.random(in: 0..<20, using: &random) {
        case 0..<8: self.write(place, using: &random)
        case 8..<13: self.readLog(place, using: &random)
        case 13..<16: self.catchUpInPieces(place, using: &random)
        case 16: self.followers[place].interrupt()
        case 17: self.store.backUp()
        default: if let fault = self.faults.randomElement(using: &random) { self.strike(fault, using: &random) }
        }
    }

    /// The faults are over: each replica compares once, and once more what the others gave back.
    mutating func heal() {
        for _ in 0..<2 {
            for place in self.followers.indices {
                self.omission == .comparing ? self.readLog(place) : self.catchUp(place)
            }
        }
        // What the last one gave back reaches the others as everything does, by the log.
        for place in self.followers.indices { self.readLog(place) }
    }

    /// Nil when all is as promised.
    var violation: String? {
        for (place, follower) in self.followers.enumerated() where follower.table.records != self.store.records {
            return "follower \(place) differs from the store"
        }
        for (key, change) in self.acknowledged {
            // Who read everything after a removal knows nothing of what was removed; that is as good.
            let stamp = self.store.records[key]?.stamp ?? (change.isRemoved ? change.stamp : .zero)
            if stamp < change.stamp { return "the acknowledged change \(change.stamp) of \(key) is lost" }
        }
        return nil
    }

    // MARK: What happens

    private mutating func write(_ place: Int, using random: inout some RandomNumberGenerator) {
        let isModel = Int.random(in: 0..<6, using: &random) == 0
        let key = RecordKey(isModel ? .model : .service, "r\(Int.random(in: 0..<12, using: &random))")
        var fields = isModel ? ["latest": "v1"] : ["service_url": "http://h", "model_type": "LSTM"]
        let weight = Int.random(in: 0..<9, using: &random)
        fields["weight"] = weight == 1 ? "senseless" : String(weight)
        if weight == 0 { fields = [:] }
        let entry = self.store.write(key, fields, floor: self.followers[place].epoch)
        self.acknowledged[key] = entry.record
        self.followers[place].note(entry)
    }

    private mutating func readLog(_ place: Int, using random: inout some RandomNumberGenerator) {
        let entries = self.store.log(after: self.followers[place].epoch)
        let isTorn = Int.random(in: 0..<4, using: &random) == 0  // as if some were lost on the way
        guard self.followers[place].receive(isTorn ? Array(entries.dropFirst()) : entries) == .catchUp else { return }
        if self.omission != .comparing { self.catchUpInPieces(place, using: &random) }
    }

    private mutating func readLog(_ place: Int) {
        _ = self.followers[place].receive(self.store.log(after: self.followers[place].epoch))
    }

    private mutating func strike(_ fault: Fault, using random: inout some RandomNumberGenerator) {
        switch fault {
        case .trim: self.store.trim(keeping: Int.random(in: 0...3, using: &random))
        case .rollBack: self.store.rollBack()
        case .clockStep: self.store.clock = max(1000, self.store.clock - 20_000)
        case .wipe: self.store.wipe()
        }
    }

    /// Other replicas write, faults strike and the connection breaks between the steps of one catching-up.
    private mutating func catchUpInPieces(_ place: Int, using random: inout some RandomNumberGenerator) {
        guard self.omission != .comparing else { return }
        var step = self.followers[place].compare()
        for _ in 0..<60 where step != .rest {
            switch Int.random(in: 0..<12, using: &random) {
            case 0: return self.followers[place].interrupt()
            case 1: self.write(place, using: &random)
            case 2: self.write((place + 1) % self.followers.count, using: &random)
            case 3: if let fault = self.faults.randomElement(using: &random) { self.strike(fault, using: &random) }
            default: break
            }
            step = self.take(step, place)
        }
    }

    private mutating func catchUp(_ place: Int) {
        guard self.omission != .comparing || !self.followers[place].hasFollowed else { return }
        var step = self.followers[place].compare()
        var steps = 0
        while step != .rest, steps < 1000 {
            step = self.take(step, place)
            steps += 1
        }
        precondition(steps < 1000, "catching up does not end")
    }

    private mutating func take(_ step: FollowerMachine.Step, _ place: Int) -> FollowerMachine.Step {
        switch step {
        case .rest: return .rest
        case .sync(let generation, let epoch):
            return self.followers[place].receive(self.store.sync(generation: generation, since: epoch))
        case .open(let parent):
            self.store.open(heirOf: parent)
            return self.followers[place].done()
        case .read(let cursor): return self.followers[place].receive(self.store.page(cursor))
        case .recount:
            self.store.recount()
            return self.followers[place].done()
        case .restore(let records, let generation, let floor):
            let results = records.map { ($0, self.store.restore($0, generation: generation, floor: floor)) }
            return self.followers[place].restored(results.map { (record: $0.0, result: $0.1) })
        }
    }
}
