import ClusterState
import ControlLoops
import Registry
import Testing

@Suite struct `What a replica knows of the others` {
    private let seenAt = Instant(nanoseconds: 1_000_000_000)

    /// As r1 sees r2, which told so a moment ago.
    private func view(_ id: String, epoch: Int64, draining: [String: Int] = [:]) -> MembershipView {
        var report = ReplicaReport(
            epoch: Epoch(epoch),
            inFlight: 5,
            startedAt: Timestamp(milliseconds: 1),
            version: "1",
            address: "\(id):1"
        )
        for (name, count) in draining { if let service = ServiceID(name) { report.draining[service] = count } }
        let sight = ReplicaSight(id: id, session: "\(id).a", remaining: .seconds(6), status: report)
        let leader = LeaderSight(holder: nil, term: .none, remaining: .zero)
        return MembershipView(replicas: [sight], leader: leader, seenAt: self.seenAt, own: "r1")
    }

    @Test func `tells whether others may hold requests of a service that drains`() throws {
        let (a, now) = (try #require(ServiceID("a")), self.seenAt + .seconds(1))
        func mayHold(_ view: MembershipView, at: Instant) -> Bool {
            view.othersMayHold(a, drainingSince: Epoch(8), now: at)
        }
        #expect(mayHold(self.view("r2", epoch: 7), at: now), "it may still begin one")
        #expect(mayHold(self.view("r2", epoch: 8, draining: ["a": 1]), at: now))
        #expect(mayHold(self.view("r2", epoch: 9, draining: ["a": 1, "b": 2]), at: now))
        #expect(!mayHold(self.view("r2", epoch: 8, draining: ["b": 2]), at: now))
        #expect(!mayHold(self.view("r2", epoch: 7), at: self.seenAt + .seconds(6)), "its session is over")
        #expect(!mayHold(self.view("r1", epoch: 7, draining: ["a": 1]), at: now), "its own are counted where they are")
    }
}
