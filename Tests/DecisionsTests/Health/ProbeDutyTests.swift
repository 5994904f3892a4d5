import Decisions
import Registry
import Testing

@Suite struct `The duty to probe` {
    private func keys(_ count: Int) throws -> [InstanceKey] {
        try (0..<count).map { number in
            let service = try #require(ServiceID("s\(number)"))
            return InstanceKey(service: service, url: try ServiceURL("http://h\(number):8000"))
        }
    }

    private func duty(_ replicas: [String], _ own: String) -> ProbeDuty { ProbeDuty(replicas: replicas, own: own) }

    @Test func `is one replica's for each instance, whoever asks, and fairly divided`() throws {
        let replicas = ["a", "b", "c"]
        let keys = try self.keys(600)
        for key in keys {
            #expect(replicas.count { self.duty(replicas, $0).isMine(key) } == 1)
            #expect(self.duty(["c", "a", "b"], "a").isMine(key) == self.duty(replicas, "a").isMine(key))
        }
        for replica in replicas {
            #expect((140...260).contains(keys.count { self.duty(replicas, replica).isMine($0) }))
        }
    }

    @Test func `moves only from the replica that dies, and only to the one that comes`() throws {
        for key in try self.keys(300) {
            let before = self.duty(["a", "b", "c"], "a").owner(of: key)
            let without = self.duty(["a", "b"], "a").owner(of: key)
            if before != "c" { #expect(before == without) }
            let with = self.duty(["a", "b", "c", "d"], "a").owner(of: key)
            #expect(with == before || with == "d")
        }
    }

    @Test func `is nobody's who leaves, and everybody's whom all the others exclude`() throws {
        let key = try self.keys(1)[0]
        #expect(!self.duty(["a", "b"], "c").isMine(key))
        #expect(self.duty([], "a").owner(of: key) == nil)
        let owner = try #require(self.duty(["a", "b"], "a").owner(of: key))
        let other = owner == "a" ? "b" : "a"
        #expect(self.duty(["a", "b"], other).isMine(key, without: [owner]))
        #expect(self.duty(["a", "b"], owner).isMine(key, without: ["a", "b"]))
    }

    @Test func `of a second opinion is one other replica's`() throws {
        for key in try self.keys(50) {
            for suspecting in ["a", "b", "c"] {
                let others = ["a", "b", "c"].filter {
                    self.duty(["a", "b", "c"], $0).givesOpinion(on: key, suspecting: suspecting)
                }
                #expect(others.count == 1 && others[0] != suspecting)
            }
        }
    }
}

@Suite struct `A verdict that a cluster shares` {
    private let start = Instant(nanoseconds: 1_000_000_000)
    private let interval = Duration.seconds(10)

    private func effective(
        own: Verdict? = .healthy,
        hasDuty: Bool = false,
        lostAt: Instant? = nil,
        now: Duration = .zero,
        _ change: (inout SharedVerdict) -> Void
    ) -> Verdict {
        var shared = SharedVerdict()
        change(&shared)
        let standing = SharedVerdict.Standing(replica: "a", own: own, hasDuty: hasDuty, lostAt: lostAt)
        return shared.effective(standing, interval: self.interval, now: self.start + now)
    }

    private func unhealthy(_ shared: inout SharedVerdict) {
        shared.decide(.unhealthy, version: 1, unreachableFrom: [:], now: self.start)
    }

    @Test func `counts above one's own, once there is one`() {
        #expect(self.effective(hasDuty: true) { self.unhealthy(&$0) } == .unhealthy)
        #expect(self.effective { _ in } == .healthy)
        #expect(self.effective(own: nil) { _ in } == .unknown)
    }

    @Test func `is not taken back by an older reading that comes later, unless the store began anew`() {
        #expect(
            self.effective {
                $0.decide(.healthy, version: 2, unreachableFrom: [:], now: self.start)
                self.unhealthy(&$0)
            } == .healthy
        )
        #expect(
            self.effective {
                $0.decide(.healthy, version: 2, unreachableFrom: [:], now: self.start)
                $0.forgetOrder()
                self.unhealthy(&$0)
            } == .unhealthy
        )
    }

    @Test func `spares nobody what only that replica cannot reach, as long as that is remembered`() {
        let change: (inout SharedVerdict) -> Void = {
            $0.decide(.healthy, version: 1, unreachableFrom: ["a": .seconds(30)], now: self.start)
        }
        #expect(self.effective(change) == .unhealthy)
        #expect(self.effective(now: .seconds(30), change) == .healthy)
        let others: (inout SharedVerdict) -> Void = {
            $0.decide(.healthy, version: 1, unreachableFrom: ["b": .seconds(30)], now: self.start)
        }
        #expect(self.effective(others) == .healthy)
    }

    @Test func `out of touch holds where others probed until its lease has run out, and nowhere else`() {
        #expect(self.effective(hasDuty: true, lostAt: self.start) { self.unhealthy(&$0) } == .healthy)
        #expect(self.effective(lostAt: self.start, now: .seconds(29)) { self.unhealthy(&$0) } == .unhealthy)
        #expect(self.effective(lostAt: self.start, now: .seconds(30)) { self.unhealthy(&$0) } == .unknown)
    }
}
