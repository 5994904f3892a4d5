/// Rules about how Redis is set up.
extension StoreDoctor {
    static func settings(_ seen: StoreExamination) -> [StoreFinding] {
        self.eviction(seen) + self.memory(seen) + self.persistence(seen) + self.replication(seen)
            + (seen.settings.isEmpty ? [self.unreadable] : [])
    }

    private static let unreadable = StoreFinding(
        .note,
        "settings_unreadable",
        "CONFIG",
        "CONFIG GET is forbidden to this user: its settings were not judged",
        advice: "ask with a user that has +config|get"
    )

    private static func eviction(_ seen: StoreExamination) -> [StoreFinding] {
        let stored = seen.settings["maxmemory-policy"] ?? seen.information["maxmemory_policy"]
        guard let policy = stored, policy != "noeviction" else { return [] }
        return [
            StoreFinding(
                .error,
                "eviction",
                "maxmemory-policy",
                "it is \(policy): when memory is full, Redis throws keys of ours away",
                advice: "CONFIG SET maxmemory-policy noeviction, and in redis.conf"
            )
        ]
    }

    private static func memory(_ seen: StoreExamination) -> [StoreFinding] {
        let stored = seen.number("maxmemory", of: seen.settings) ?? seen.number("maxmemory", of: seen.information)
        guard let limit = stored, limit > 0, let used = seen.number("used_memory", of: seen.information) else {
            return []
        }
        let percent = used * 100 / limit
        guard percent >= 80 else { return [] }
        return [
            StoreFinding(
                percent >= 95 ? .error : .warning,
                "memory",
                "maxmemory",
                "\(percent) % of it is used; at 100 % every change is refused",
                advice: "raise maxmemory, or find out what fills it: MEMORY USAGE, redis-cli --bigkeys"
            )
        ]
    }

    private static func persistence(_ seen: StoreExamination) -> [StoreFinding] {
        var findings: [StoreFinding] = []
        if seen.settings["appendonly"] == "no", seen.settings["save"] == "" {
            let sentence = "neither appendonly nor save is on: a restart of Redis empties it"
            let advice =
                "CONFIG SET appendonly yes, and in redis.conf; until then only the replicas' memory restores it"
            findings.append(StoreFinding(.error, "persistence_off", "appendonly", sentence, advice: advice))
        }
        if seen.settings["appendonly"] == "yes", seen.settings["appendfsync"] == "no" {
            let sentence = "appendfsync is no: a power cut loses what the system had not written yet, often 30 s"
            let advice = "CONFIG SET appendfsync everysec, or always"
            findings.append(StoreFinding(.warning, "persistence_late", "appendfsync", sentence, advice: advice))
        }
        for field in ["aof_last_write_status", "aof_last_bgrewrite_status", "rdb_last_bgsave_status"] {
            guard let status = seen.information[field], status != "ok" else { continue }
            let advice = "look at the disk and into Redis' log; changes may be refused with MISCONF"
            findings.append(
                StoreFinding(.error, "persistence_fails", field, "it is \(status), not ok", advice: advice)
            )
        }
        return findings
    }

    private static func replication(_ seen: StoreExamination) -> [StoreFinding] {
        guard let wanted = seen.number("min-replicas-to-write", of: seen.settings),
            let connected = seen.number("connected_slaves", of: seen.information)
        else { return [] }
        let name = "min-replicas-to-write"
        if wanted == 0 {
            guard connected >= 2 else { return [] }
            let sentence =
                "it is 0 with \(connected) replicas: a primary that is cut off takes writes that will be lost"
            let advice = "CONFIG SET min-replicas-to-write 1 and min-replicas-max-lag 2, on all of them"
            return [StoreFinding(.warning, "min_replicas_unset", name, sentence, advice: advice)]
        }
        let good = seen.number("min_slaves_good_slaves", of: seen.information) ?? connected
        if good < wanted {
            let sentence = "it wants \(wanted) replicas and \(good) follow: every change is refused (NOREPLICAS)"
            let advice = connected == 0 ? "start the replicas, or set it to 0 if there are none" : "see why they lag"
            return [StoreFinding(.error, "min_replicas_unmet", name, sentence, advice: advice)]
        }
        if connected == wanted {
            let sentence = "all \(connected) replicas are needed: the loss of one stops every change"
            let advice = "have one replica more than min-replicas-to-write"
            return [StoreFinding(.warning, "min_replicas_bare", name, sentence, advice: advice)]
        }
        guard let lag = seen.number("min-replicas-max-lag", of: seen.settings), lag > 5 else { return [] }
        let sentence = "min-replicas-max-lag is \(lag): a primary that is cut off takes writes for so many seconds"
        let advice = "CONFIG SET min-replicas-max-lag 2"
        return [StoreFinding(.warning, "min_replicas_lag", "min-replicas-max-lag", sentence, advice: advice)]
    }
}
