import ClusterState
import Decisions
import Gateway
import Registry
import Testing

@testable import ControlLoops

@Suite struct `A prober's book` {
    private let now = Instant(nanoseconds: 1_000_000_000)
    private let wall = Timestamp(milliseconds: 1)

    private func book() -> ProbeBook {
        var book = ProbeBook(replica: "r1", interval: .seconds(10), seed: 1)
        book.follow(onDuty: ["r1"], now: self.now)
        _ = book.found()
        return book
    }

    private func sight(_ id: String, _ verdict: Verdict, _ version: Int64) throws -> VerdictSight {
        VerdictSight(instance: try Samples.service(id).instances[0], verdict: verdict, version: version)
    }

    private func verdict(of id: String, in book: ProbeBook) throws -> Verdict? {
        let key = try Samples.service(id).instances[0]
        return book.verdicts(now: self.now).first { $0.key == key }?.verdict
    }

    @Test func `keeps what it hears of instances that are to come, however many came and went before`() throws {
        var book = self.book()
        for number in 0..<(ProbeBook.earlyMax + 10) {
            let gone = try self.sight("gone-\(number)", .unhealthy, Int64(number))
            book.take(VerdictNews(changed: [gone]), now: self.now)
        }
        book.take(VerdictNews(changed: [try self.sight("new", .unhealthy, 9999)]), now: self.now)
        book.follow(Samples.snapshot([try Samples.service("new")]), now: self.now, wall: self.wall)
        #expect(try self.verdict(of: "new", in: book) == .unhealthy)
    }

    @Test func `keeps the newer of two readings, in whichever order they come, until the store begins anew`() throws {
        var book = self.book()
        let newer = try self.sight("a", .healthy, 2)
        let older = try self.sight("a", .unhealthy, 1)
        book.take(VerdictNews(changed: [newer]), now: self.now)
        book.take(VerdictNews(changed: [older]), now: self.now)
        book.follow(Samples.snapshot([try Samples.service("a")]), now: self.now, wall: self.wall)
        #expect(try self.verdict(of: "a", in: book) == .healthy)
        book.take(VerdictNews(changed: [older]), now: self.now)
        #expect(try self.verdict(of: "a", in: book) == .healthy)
        book.take(VerdictNews(isAnew: true, changed: [older]), now: self.now)
        #expect(try self.verdict(of: "a", in: book) == .unhealthy)
    }

    @Test func `learns nothing of an instance from a probe that could not be made`() throws {
        var book = ProbeBook(replica: "r1", interval: .seconds(10), seed: 1)
        let service = try Samples.service("a")
        book.follow(Samples.snapshot([service]), now: self.now, wall: self.wall)
        let errand = try #require(book.start(now: self.now + .seconds(20)).first)
        let well = ProbeResult(answer: 200, after: .milliseconds(1))
        _ = book.ended(errand, well, now: self.now, wall: self.wall)
        let exhausted = ProbeResult(UpstreamFailure(kind: .exhausted, detail: "Too many open files"))
        for _ in 0..<5 {
            let action = book.ended(errand, exhausted, now: self.now, wall: Timestamp(milliseconds: 2))
            #expect(action == .confirm(.healthy))
        }
        let report = try #require(book.report(of: service.id).first)
        #expect(report.lastCheck == self.wall)
        #expect(report.error == "exhausted: Too many open files")
    }
}
