/// Rules about what belongs together and does not.
extension StoreDoctor {
    static func orphans(_ seen: StoreExamination) -> [StoreFinding] {
        guard !seen.isCut else { return [] }
        return self.records(seen, kind: "service", index: "services", seen.services)
            + self.records(seen, kind: "model", index: "models", seen.models) + self.leases(seen)
            + self.sessions(seen) + self.permits(seen)
    }

    /// The registry as a whole.
    static func data(_ seen: StoreExamination) -> [StoreFinding] {
        var findings: [StoreFinding] = []
        if seen.isCut {
            let sentence =
                "there are more keys than were read (\(seen.keys.count)): what is left over was not looked for"
            findings.append(
                StoreFinding(.note, "keys_cut", "keys", sentence, advice: "look at the biggest groups first")
            )
        }
        guard !seen.meta.isEmpty else {
            let sentence = "there is no cluster under this prefix"
            let advice = seen.keys.isEmpty ? "start a replica, or check the prefix and the database" : "start a replica"
            return findings + [StoreFinding(.note, "empty", "meta", sentence, advice: advice)]
        }
        if let count = seen.number("count", of: seen.meta), let sum = seen.number("sum", of: seen.meta) {
            let stamps = Array(seen.services.values) + Array(seen.models.values)
            let isEqual = count == Int64(stamps.count) && sum == stamps.reduce(0) { ($0 + $1) % self.sumModulus }
            if !isEqual {
                let sentence = "count and sum do not fit the records: somebody edited them by hand"
                let advice = "nothing, if a replica runs: it has them counted within seconds"
                findings.append(StoreFinding(.warning, "digest", "meta", sentence, advice: advice))
            }
        }
        if let help = seen.help, help != KeyTable.help(Keys(namespace: seen.namespace)) {
            let sentence = "the table of keys is that of another version of this program"
            findings.append(
                StoreFinding(.note, "help", "help", sentence, advice: "the next replica to start renews it")
            )
        }
        return findings
    }

    /// As in the library.
    private static let sumModulus: Int64 = 4_503_599_627_370_496

    private static func records(
        _ seen: StoreExamination,
        kind: String,
        index: String,
        _ listed: [String: Int64]
    ) -> [StoreFinding] {
        let stored = Set(seen.names("\(kind):"))
        let unlisted = stored.subtracting(listed.keys).sorted().map { id in
            StoreFinding(
                .error,
                "orphan",
                "\(kind):\(id)",
                "it is not listed in \(index): no replica sees it",
                advice: "register it again, or DEL it"
            )
        }
        let missing = Set(listed.keys).subtracting(stored).sorted().map { id in
            StoreFinding(
                .error,
                "record_missing",
                "\(kind):\(id)",
                "it is listed in \(index) and its record is gone",
                advice: "register it again, or remove it by the API"
            )
        }
        return unlisted + missing
    }

    private static func leases(_ seen: StoreExamination) -> [StoreFinding] {
        seen.leases.subtracting(seen.services.keys).sorted().map { id in
            StoreFinding(
                .warning,
                "orphan",
                "leases",
                "it has a lease of the service \(id), which is not registered",
                advice: "ZREM it"
            )
        }
    }

    /// What is left of sessions that ended longer ago than the next beat of any replica would leave it.
    private static func sessions(_ seen: StoreExamination) -> [StoreFinding] {
        let clock = seen.number("lease_clock", of: seen.meta) ?? 0
        let isAnyoneAlive = seen.sessions.values.contains { $0 > clock }
        var findings: [StoreFinding] = []
        for (replica, session) in seen.replicaSessions.sorted(by: { $0.key < $1.key })
        where seen.sessions[session] == nil {
            let sentence = "its session \(session) does not exist any more"
            findings.append(StoreFinding(.warning, "orphan", "replica:\(replica)", sentence, advice: "DEL it"))
        }
        for (session, deadline) in seen.sessions.sorted(by: { $0.key < $1.key })
        where isAnyoneAlive && deadline < clock - self.sessionKeptMilliseconds {
            let sentence = "the session \(session) ended \((clock - deadline) / 1000) s ago"
            let advice = "the next beat of a replica removes it; if not, ZREM it"
            findings.append(StoreFinding(.warning, "orphan", "sessions", sentence, advice: advice))
        }
        if isAnyoneAlive, let holder = seen.leader["holder"], !holder.isEmpty,
            let deadline = seen.number("deadline", of: seen.leader), deadline < clock - 20_000
        {
            let sentence = "the lease of \(holder) ran out \((clock - deadline) / 1000) s ago and nobody took over"
            findings.append(
                StoreFinding(.error, "leaderless", "leader", sentence, advice: "look into the replicas' logs")
            )
        }
        return findings
    }

    private static func permits(_ seen: StoreExamination) -> [StoreFinding] {
        var findings: [StoreFinding] = []
        for (key, holders) in seen.holders.sorted(by: { $0.key < $1.key }) {
            let instance = key.split(separator: ":", maxSplits: 1).last ?? ""
            let service = instance.prefix { $0 != "@" }
            if seen.services[String(service)] == nil {
                let sentence = "the service \(service) is not registered"
                findings.append(StoreFinding(.warning, "orphan", key, sentence, advice: "DEL it"))
                continue
            }
            for holder in holders.sorted() where seen.sessions[holder] == nil {
                let sentence = "the session \(holder) does not exist any more"
                let advice = "nothing: its permits count for nobody, the next call of a replica drops them"
                findings.append(StoreFinding(.note, "orphan", key, sentence, advice: advice))
            }
        }
        return findings
    }
}
