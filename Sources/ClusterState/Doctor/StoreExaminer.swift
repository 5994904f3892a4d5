public import RedisClient
internal import Registry

/// Reads what `StoreDoctor` judges; changes nothing. Works while no replica runs.
///
/// Bounded: `keysMax` keys of the cluster are looked at, and the whole keyspace is scanned in at most `scansMax` steps,
/// so that a Redis shared with millions of other keys is not held up.
public struct StoreExaminer: Sendable {
    private let redis: Redis
    private let keys: Keys

    public static let keysMax = 100_000
    private static let scansMax = 20_000
    private static let batch = 500

    public init(redis: Redis, namespace: String) {
        self.redis = redis
        self.keys = Keys(namespace: namespace)
    }

    public func examine() async throws(RedisError) -> StoreExamination {
        var seen = StoreExamination(namespace: self.keys.namespace)
        try await self.readServer(&seen)
        try await self.readKeys(&seen)
        try await self.readRegistry(&seen)
        try await self.readReplicas(&seen)
        return seen
    }

    // MARK: The server

    private func readServer(_ seen: inout StoreExamination) async throws(RedisError) {
        let replies = try await self.redis.send(pipeline: [
            ["TIME"], ["INFO"], ["CONFIG", "GET", "*"], ["FUNCTION", "LIST"],
        ])
        let time = (replies[0].array ?? []).compactMap(\.integer)
        if time.count == 2 { seen.time = time[0] * 1000 + time[1] / 1000 }
        seen.information = Self.lines(replies[1].string ?? "")
        seen.settings = Self.fields(replies[2])
        seen.libraries = replies[3].array.map { Self.libraries($0) }
    }

    private static func lines(_ text: String) -> [String: String] {
        let pairs = text.split(whereSeparator: \.isNewline).compactMap { line -> (String, String)? in
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
        }
        return Dictionary(pairs) { $1 }
    }

    private static func libraries(_ list: [RedisValue]) -> [String: [String]] {
        let pairs = list.compactMap { item -> (String, [String])? in
            let parts = item.array ?? []
            guard let name = self.value("library_name", in: parts)?.string else { return nil }
            let functions = self.value("functions", in: parts)?.array ?? []
            return (name, functions.compactMap { self.value("name", in: $0.array ?? [])?.string })
        }
        return Dictionary(pairs) { $1 }
    }

    private static func value(_ name: String, in parts: [RedisValue]) -> RedisValue? {
        guard let place = parts.firstIndex(where: { $0.string == name }), place + 1 < parts.count else { return nil }
        return parts[place + 1]
    }

    // MARK: The keys

    private func readKeys(_ seen: inout StoreExamination) async throws(RedisError) {
        var names: [String] = []
        var cursor = "0"
        for step in 0..<Self.scansMax {
            let pattern = RedisWord("\(self.keys.prefix)*")
            let reply = try await self.redis.send(["SCAN", RedisWord(cursor), "MATCH", pattern, "COUNT", "1000"])
            names += (reply.array?.last?.array ?? []).compactMap(\.string)
            cursor = reply.array?.first?.string ?? "0"
            seen.isCut = names.count > Self.keysMax || step == Self.scansMax - 1
            if cursor == "0" || seen.isCut { break }
        }
        seen.isCut = seen.isCut && cursor != "0"
        for start in stride(from: 0, to: names.count, by: Self.batch) {
            let some = Array(Set(names[start..<min(start + Self.batch, names.count)]))
            let asked = some.flatMap { name -> [[RedisWord]] in
                [["TYPE", RedisWord(name)], ["PTTL", RedisWord(name)]]
            }
            let replies = try await self.redis.send(pipeline: asked, within: Self.patience)
            for (place, name) in some.enumerated() {
                guard let type = replies[2 * place].string, type != "none" else { continue }
                let expires = (replies[2 * place + 1].integer ?? -1) >= 0
                let short = String(name.dropFirst(self.keys.prefix.count))
                seen.keys.append(.init(name: short, type: type, expires: expires))
            }
        }
        seen.keys = Array(Set(seen.keys)).sorted { $0.name < $1.name }
    }

    // MARK: What is in them

    private func readRegistry(_ seen: inout StoreExamination) async throws(RedisError) {
        let all: [RedisWord] = ["0", "-1", "WITHSCORES"]
        let replies = try await self.redis.send(
            pipeline: [
                ["HGETALL", RedisWord(self.keys.meta)], ["ZRANGE", RedisWord(self.keys.services)] + all,
                ["ZRANGE", RedisWord(self.keys.models)] + all, ["ZRANGE", RedisWord(self.keys.leases)] + all,
                ["ZRANGE", RedisWord(self.keys.sessions)] + all, ["HGETALL", RedisWord(self.keys.leader)],
                ["GET", RedisWord(self.keys.help)],
            ],
            within: Self.patience
        )
        seen.meta = Self.fields(replies[0])
        (seen.services, seen.models) = (Self.scores(replies[1]), Self.scores(replies[2]))
        seen.leases = Set(Self.scores(replies[3]).keys)
        seen.sessions = Self.scores(replies[4])
        seen.leader = Self.fields(replies[5])
        seen.help = replies[6].string
    }

    private func readReplicas(_ seen: inout StoreExamination) async throws(RedisError) {
        for id in seen.names("replica:") {
            let reply = try await self.redis.send(pipeline: [["HGET", RedisWord(self.keys.replica(id)), "session"]])
            seen.replicaSessions[id] = reply[0].string ?? ""
        }
        for instance in seen.names("permits:") {
            let reply = try await self.redis.send(pipeline: [["HKEYS", RedisWord(self.keys.permits(instance))]])
            let fields = (reply[0].array ?? []).compactMap(\.string).filter { !$0.hasPrefix("#") }
            seen.holders["permits:\(instance)"] = Set(fields)
        }
        for instance in seen.names("waiters:") {
            let key = RedisWord(self.keys.waiters(instance))
            let reply = try await self.redis.send(pipeline: [["ZRANGE", key, "0", "-1"]])
            seen.holders["waiters:\(instance)"] = Set((reply[0].array ?? []).compactMap(\.string))
        }
    }

    /// A registry of ten thousand services is one long reply.
    private static let patience = Duration.seconds(10)

    private static func fields(_ reply: RedisValue) -> [String: String] {
        ReplyReader.dictionary((reply.array ?? []).map { $0.string ?? "" }[...])
    }

    /// Scores are written as `1.7e+15` when they are large.
    private static func scores(_ reply: RedisValue) -> [String: Int64] {
        self.fields(reply).compactMapValues { Double($0).map { Int64($0) } }
    }
}
