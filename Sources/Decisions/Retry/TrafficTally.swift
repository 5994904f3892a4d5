/// Turns what replicas say of themselves, counts that only grow, into what the others did since the last time.
///
/// The hard case is a count that is seen for the first time, or smaller than before: a replica that was just met or
/// started anew. What it did earlier is no news; its count becomes the one to compare with.
public struct TrafficTally: Sendable, Equatable {
    /// What a replica has counted since it started.
    public struct Counts: Hashable, Sendable {
        public var requests: Int
        public var retries: Int

        public init(requests: Int, retries: Int) {
            self.requests = requests
            self.retries = retries
        }
    }

    private var known: [String: Counts] = [:]

    public init() {}

    /// The others, by the names of their sessions; returns what they did since they were last heard.
    public mutating func heard(_ others: [String: Counts]) -> Counts {
        var news = Counts(requests: 0, retries: 0)
        for (session, counts) in others {
            guard let before = self.known[session], before.requests <= counts.requests, before.retries <= counts.retries
            else { continue }
            news.requests += counts.requests - before.requests
            news.retries += counts.retries - before.retries
        }
        self.known = others
        return news
    }
}
