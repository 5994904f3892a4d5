import ClusterState
import ControlLoops
import ManagerAPI
import Registry
import Testing

@testable import ModelManager

@Suite struct `The cluster that a replica shows` {
    private let asked = Instant(nanoseconds: 1_000_000_000)

    private func sight(_ id: String, _ session: String, epoch: Int64 = 7, lease: Duration = .seconds(6)) -> ReplicaSight
    {
        let report = ReplicaReport(
            epoch: Epoch(epoch),
            inFlight: 3,
            startedAt: Timestamp(milliseconds: 5),
            version: "1",
            address: ""
        )
        return ReplicaSight(id: id, session: session, remaining: lease, status: report)
    }

    private func cluster(
        _ replicas: [ReplicaSight],
        holder: String?,
        term own: Term? = nil,
        after age: Duration = .seconds(1)
    ) -> ClusterCondition {
        let leader = LeaderSight(holder: holder, term: Term(40), remaining: .seconds(4))
        let view = MembershipView(replicas: replicas, leader: leader, seenAt: self.asked, own: "b")
        return ClusterCondition(
            view,
            own: self.sight("b", "", epoch: 9),
            candidate: "b.new",
            term: own,
            now: self.asked + age
        )
    }

    @Test func `is the others as they described themselves and this replica as it is`() {
        let seen = self.cluster([self.sight("c", "c.x-1"), self.sight("b", "b.new-1", epoch: 8)], holder: "c.x")
        #expect(seen.replicas.map(\.id) == ["b", "c"])
        #expect(seen.replicas.map(\.epoch) == [Epoch(9), Epoch(7)])
        #expect(seen.replicas.map(\.leaseExpiresIn) == [.seconds(5), .seconds(5)])
        #expect(seen.replicas.map(\.role) == [.follower, .leader])
        #expect(seen.leader == ClusterCondition.Leader(id: "c", term: 40))
    }

    @Test func `has this replica in it before its first session, and its own word on leading`() {
        let seen = self.cluster([], holder: nil, term: Term(41))
        #expect(seen.replicas.map(\.id) == ["b"])
        #expect(seen.replicas.map(\.role) == [.leader])
        #expect(seen.replicas.map(\.leaseExpiresIn) == [nil])
        #expect(seen.leader == ClusterCondition.Leader(id: "b", term: 41))
    }

    @Test func `has one leader even while two sources name two`() {
        let seen = self.cluster([self.sight("c", "c.x-1")], holder: "c.x", term: Term(41))
        #expect(seen.replicas.map(\.role) == [.leader, .follower])
        #expect(seen.leader?.id == "b")
    }

    @Test func `forgets whoever's lease ran out since it was seen`() {
        let seen = self.cluster([self.sight("c", "c.x-1")], holder: "c.x", after: .seconds(6))
        #expect(seen.replicas.map(\.id) == ["b"])
        #expect(seen.leader == nil)
    }

    @Test func `does not take a replica for the leader that its former self was`() {
        let own = self.cluster([], holder: "b.old")
        #expect(own.leader == nil)
        #expect(own.replicas.map(\.role) == [.follower])
        let other = self.cluster([self.sight("c", "c.new-1")], holder: "c.old")
        #expect(other.leader == nil)
        #expect(other.replicas.map(\.role) == [.follower, .follower])
    }

    @Test func `shows a leader whose session is over while its leadership is not`() {
        #expect(self.cluster([], holder: "d.e.f").leader == ClusterCondition.Leader(id: "d.e", term: 40))
    }
}
