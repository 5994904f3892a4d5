/// Judges a Redis by what was read of it: pure rules, each a few lines, each with an advice.
///
/// Rules err on the side of silence: what the next beat of a replica mends by itself (a session that just ended, permits
/// of one) is no finding, so that a healthy cluster has none at any moment.
public enum StoreDoctor {
    /// The worst first.
    public static func findings(in examination: StoreExamination, library: String) -> [StoreFinding] {
        let all =
            self.settings(examination) + self.functions(examination, library) + self.data(examination)
            + self.types(examination) + self.orphans(examination) + self.clock(examination)
        return all.sorted {
            ($1.severity, $0.code, $0.subject) < ($0.severity, $1.code, $1.subject)
        }
    }

    /// So long after its end a session and what it had are remembered, and then some.
    static let sessionKeptMilliseconds: Int64 = 90_000

    // MARK: Functions

    private static func functions(_ seen: StoreExamination, _ library: String) -> [StoreFinding] {
        guard let libraries = seen.libraries else {
            return [
                StoreFinding(
                    .note,
                    "functions_unreadable",
                    library,
                    "FUNCTION LIST is forbidden to this user",
                    advice: "ask with a user that has +function|list"
                )
            ]
        }
        let family = library.prefix { $0 != "_" } + "_"
        var findings: [StoreFinding] = []
        for (name, functions) in libraries where name.hasPrefix(family) && name != library {
            findings.append(
                StoreFinding(
                    .note,
                    "functions_of_other_version",
                    name,
                    "\(functions.count) functions of another version of this program",
                    advice: "when no replica of that version runs any more: FUNCTION DELETE \(name)"
                )
            )
        }
        for (name, functions) in libraries
        where !name.hasPrefix(family) && functions.contains(where: { $0.hasPrefix(family) }) {
            findings.append(
                StoreFinding(
                    .error,
                    "functions_foreign",
                    name,
                    "a library that is not ours has functions under our names",
                    advice: "find out who loaded it; FUNCTION DELETE \(name)"
                )
            )
        }
        if libraries[library] == nil, !seen.meta.isEmpty {
            findings.append(
                StoreFinding(
                    .warning,
                    "functions_missing",
                    library,
                    "the functions of this version are not loaded",
                    advice:
                        "the next replica of this version loads them; if one runs, see that its user has +function|load"
                )
            )
        }
        return findings
    }

    // MARK: Types

    private static func types(_ seen: StoreExamination) -> [StoreFinding] {
        var findings: [StoreFinding] = []
        for key in seen.keys {
            guard let row = KeyTable.row(of: key.name) else {
                let sentence = "no key of Model Manager has this name"
                let advice = "if nobody knows it: DEL \(Keys(namespace: seen.namespace).prefix)\(key.name)"
                findings.append(StoreFinding(.warning, "unknown_key", key.name, sentence, advice: advice))
                continue
            }
            if key.type != row.type {
                let sentence = "it is a \(key.type) and must be a \(row.type)"
                let advice = "DEL it: the replicas put back what they remember"
                findings.append(StoreFinding(.error, "wrong_type", key.name, sentence, advice: advice))
            }
            if key.expires {
                let advice = "PERSIST it, and find out who sets expiries here"
                findings.append(
                    StoreFinding(
                        .error,
                        "expires",
                        key.name,
                        "it has an expiry; no key of ours has one",
                        advice: advice
                    )
                )
            }
        }
        return findings
    }

    // MARK: The lease clock

    private static func clock(_ seen: StoreExamination) -> [StoreFinding] {
        guard let clock = seen.number("lease_clock", of: seen.meta),
            let read = seen.number("lease_clock_read_at", of: seen.meta)
        else { return [] }
        var findings: [StoreFinding] = []
        if read > seen.time + 5_000 {
            let sentence =
                "Redis' clock stands \((read - seen.time) / 1000) s before what it said earlier: it was set back"
            let advice = "leases are not harmed; have the clock slewed, not stepped"
            findings.append(StoreFinding(.warning, "clock_set_back", "meta", sentence, advice: advice))
        }
        let isFollowed = abs(seen.time - read) < 10_000
        if isFollowed, abs(seen.time - clock) > 60_000 {
            let direction = clock > seen.time ? "ahead of" : "behind"
            let sentence = "the lease clock is \(abs(seen.time - clock) / 1000) s \(direction) Redis' clock"
            let advice =
                "nothing: Redis' clock leapt, or nobody used it for a while; leases go by the lease clock alone"
            findings.append(StoreFinding(.note, "lease_clock_apart", "meta", sentence, advice: advice))
        }
        return findings
    }
}
