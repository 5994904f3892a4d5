import ClusterState
import ControlLoops
import Gateway
import ManagerTesting
import NIOCore
import RedisClient
import Registry
import Synchronization
import Testing

@Suite struct `A job's runner` {
    @Test func `sends the request as it came, under the job's name, and takes a 200 for the end`() async throws {
        let trainers = FakeTrainers { _ in FakeTrainers.answer(200, #"{"status":"succeeded","model_version":"v7"}"#) }
        try await JobBench.run([try JobBench.service("t")], port: trainers) { bench in
            let body = #"{ "model_type": "LSTM", "config": {"epochs": 1e2} }"#
            let id = try await bench.submit(body)
            try await bench.withReplica {
                let job = try await bench.job(id)
                #expect(job.status == .succeeded && job.modelVersion == "v7" && job.progress == 1)
                #expect(job.attempts.map(\.outcome) == ["status_200"])
                let call = try #require(trainers.calls.first)
                #expect(call.body.map { String(buffer: $0) } == body)
                #expect(call.headers.contains { $0 == ("idempotency-key", id.text) })
                #expect(call.headers.contains { $0 == ("prefer", "respond-async") })
                #expect(call.timeout > .seconds(80_000), "no deadline of a request cuts a training")
            }
        }
    }

    @Test func `sends to an address of the trainer's name, calls it by the name, and asks the same address`()
        async throws
    {
        let trainers = FakeTrainers { call in
            guard call.method == "GET" else {
                return FakeTrainers.answer(202, headers: [("Location", "http://models.example:8000/train/9")])
            }
            return FakeTrainers.answer(200, #"{"status":"succeeded"}"#)
        }
        var service = try JobBench.service("t", at: "http://models.example:8000") { $0.discovery = .dns }
        let addresses = ["10.0.0.1:8000", "10.0.0.2:8000"].compactMap { InstanceAddress($0) }
        service.resolution = Resolution(url: service.definition.url, addresses: addresses)
        let name = service.definition.url
        try await JobBench.run([service], port: trainers) { bench in
            let id = try await bench.submit()
            try await bench.withReplica {
                let job = try await bench.job(id)
                #expect(job.status == .succeeded)
                #expect(trainers.lines == ["POST /train", "GET /train/9"])
                let urls = Set(trainers.calls.map(\.url.description))
                #expect(urls.count == 1 && urls.isSubset(of: ["http://10.0.0.1:8000", "http://10.0.0.2:8000"]))
                #expect(Set(trainers.calls.map(\.origin)) == [name])
            }
        }
    }

    @Test func `asks how it goes until it ends, and shows how far it is`() async throws {
        let asked = Mutex(0)
        let trainers = FakeTrainers { call in
            if call.method == "POST" { return FakeTrainers.answer(202, headers: [("Location", "/train/9")]) }
            let number = asked.withLock { count in
                count += 1
                return count
            }
            let status = number < 5 ? "running" : "failed"
            let body = #"{"status":"\#(status)","epoch":\#(number),"epochs":10,"error":"bad luck"}"#
            return FakeTrainers.answer(200, body)
        }
        try await JobBench.run([try JobBench.service("t")], port: trainers) { bench in
            let id = try await bench.submit()
            try await bench.withReplica {
                let job = try await bench.job(id)
                #expect(job.status == .failed && job.error == "bad luck")
                #expect(job.progress == 0.4)
                #expect(trainers.lines == ["POST /train"] + Array(repeating: "GET /train/9", count: 5))
            }
        }
    }

    @Test func `holds a trainer's limit over all replicas`() async throws {
        let there = Mutex((now: 0, most: 0))
        let trainers = FakeTrainers { _ in
            there.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
            defer { there.withLock { $0.now -= 1 } }
            try await Task.sleep(for: .milliseconds(50))
            return FakeTrainers.answer(200)
        }
        let limited = try JobBench.service("t") { $0.concurrentRequestsMax = 2 }
        try await JobBench.run([limited], port: trainers) { bench in
            var ids: [JobID] = []
            for _ in 0..<8 { ids.append(try await bench.submit()) }
            let all = ids
            try await bench.withReplica("r1") {
                try await bench.withReplica("r2") {
                    for id in all {
                        let job = try await bench.job(id)
                        #expect(job.status == .succeeded)
                    }
                }
            }
            #expect(there.withLock { $0.most } <= 2)
            #expect(trainers.calls.count == 8)
        }
    }

    @Test func `asks the trainer to cancel, and tells what it said`() async throws {
        let isCancelled = Mutex(false)
        let trainers = FakeTrainers { call in
            switch call.method {
            case "POST": return FakeTrainers.answer(202, #"{"job_id":"7"}"#)
            case "DELETE":
                isCancelled.withLock { $0 = true }
                return FakeTrainers.answer(202)
            default:
                let word = isCancelled.withLock { $0 } ? "cancelled" : "running"
                return FakeTrainers.answer(200, #"{"status":"\#(word)"}"#)
            }
        }
        try await JobBench.run([try JobBench.service("t")], port: trainers) { bench in
            let id = try await bench.submit()
            try await bench.withReplica {
                _ = try await bench.job(id) { $0.phase == .watching }
                guard case .requested = try await bench.state.cancelJob(id) else { throw JobSurprise() }
                let job = try await bench.job(id)
                #expect(job.status == .cancelled && job.cancel == "the trainer is cancelling it")
                #expect(trainers.lines.contains("DELETE /train/7"))
            }
        }
    }

    @Test func `hangs up on a trainer that answers only at the end, and says that it may train on`() async throws {
        let trainers = FakeTrainers { _ in
            try await Task.sleep(for: .seconds(3600))  // until the runner hangs up
            return FakeTrainers.answer(200)
        }
        try await JobBench.run([try JobBench.service("t")], port: trainers) { bench in
            let id = try await bench.submit()
            try await bench.withReplica {
                _ = try await bench.job(id) { $0.phase == .sending }
                _ = try await bench.state.cancelJob(id)
                let job = try await bench.job(id)
                #expect(job.status == .cancelled && job.maybeStarted)
                #expect(trainers.calls.count == 1)
            }
        }
    }

    @Test(arguments: [true, false]) func `looks for a job whose answer was lost, and never sends it again`(
        isFound: Bool
    ) async throws {
        let trainers = FakeTrainers { call in
            if call.method == "POST" { throw UpstreamFailure(kind: .reset, detail: "broke off") }
            if call.path.contains("?") {
                return isFound ? FakeTrainers.answer(200, #"{"jobs":[{"job_id":"5"}]}"#) : FakeTrainers.answer(404)
            }
            return FakeTrainers.answer(200, #"{"status":"done"}"#)
        }
        let services = [try JobBench.service("t"), try JobBench.service("u")]
        try await JobBench.run(services, port: trainers) { bench in
            let id = try await bench.submit()
            try await bench.withReplica {
                let job = try await bench.job(id)
                #expect(job.status == (isFound ? .succeeded : .interrupted))
                #expect(job.maybeStarted == !isFound)
                #expect(trainers.calls.count { $0.method == "POST" } == 1)
                #expect(trainers.lines.contains("GET /train?idempotency_key=\(id)"))
            }
        }
    }

    @Test func `goes on to a trainer that can be reached, and leaves out one that is unwell`() async throws {
        let trainers = FakeTrainers { call in
            if call.url.host == "dead" { throw UpstreamFailure(kind: .connectRefused, detail: "nobody there") }
            return FakeTrainers.answer(200)
        }
        let services = [try JobBench.service("dead"), try JobBench.service("ill"), try JobBench.service("well")]
        trainers.set(.unhealthy, of: services[1].id)
        try await JobBench.run(services, port: trainers) { bench in
            var ids: [JobID] = []
            for _ in 0..<6 { ids.append(try await bench.submit()) }
            let all = ids
            try await bench.withReplica {
                for id in all {
                    let job = try await bench.job(id)
                    #expect(job.status == .succeeded && job.service == services[2].id)
                    let outcomes = job.attempts.map(\.outcome).joined(separator: " ")
                    #expect(["status_200", "connect_refused status_200"].contains(outcomes))
                }
                #expect(!trainers.calls.contains { $0.url.host == "ill" })
            }
        }
    }

    @Test func `gives its jobs back when its replica leaves, and another one watches on`() async throws {
        let isDone = Mutex(false)
        let trainers = FakeTrainers { call in
            if call.method == "POST" { return FakeTrainers.answer(202, #"{"job_id":"1"}"#) }
            return FakeTrainers.answer(200, #"{"status":"\#(isDone.withLock { $0 } ? "done" : "running")"}"#)
        }
        try await JobBench.run([try JobBench.service("t")], port: trainers) { bench in
            let id = try await bench.submit()
            try await bench.withReplica("r1") { _ = try await bench.job(id) { $0.phase == .watching } }
            let left = try #require(try await bench.state.job(id))
            #expect(left.status == .running && left.runner == nil)
            try await bench.withReplica("r2") {
                _ = try await bench.job(id) { $0.runner?.hasPrefix("r2") == true }
                isDone.withLock { $0 = true }
                let job = try await bench.job(id)
                #expect(job.status == .succeeded)
                #expect(trainers.calls.count { $0.method == "POST" } == 1)
            }
        }
    }
}

/// The end of a job, with its replica or Redis leaving in the middle of it.
@Suite struct `A job's end` {
    private static let succeeded = #"{"status":"succeeded","model_version":"v7"}"#

    /// Trainers that have made v7: they tell so at the end of the request itself, or when asked. Whoever asks one what it
    /// serves, waits until he is cancelled, once.
    private static func trainers(
        answersAtOnce: Bool,
        asked: AsyncStream<Void>.Continuation
    ) -> FakeTrainers {
        let isAsked = Mutex(false)
        return FakeTrainers { call in
            switch call.path {
            case "/train" where answersAtOnce, "/train/9": return FakeTrainers.answer(200, Self.succeeded)
            case "/train": return FakeTrainers.answer(202, headers: [("Location", "/train/9")])
            default:
                let isFirst = isAsked.withLock { asked in
                    defer { asked = true }
                    return !asked
                }
                guard isFirst else { return FakeTrainers.answer(200, #"{"versions":[{"version":"v7"}]}"#) }
                asked.finish()
                try await Task.sleep(for: .seconds(3600))
                return FakeTrainers.answer(200)
            }
        }
    }

    @Test func `is told by a replica that leaves, when nobody else could ever know it`() async throws {
        let (asked, isAsked) = AsyncStream.makeStream(of: Void.self)
        let trainers = Self.trainers(answersAtOnce: true, asked: isAsked)
        try await JobBench.run([try JobBench.service("t")], port: trainers) { bench in
            let id = try await bench.submit()
            try await bench.withReplica { for await _ in asked {} }
            let job = try #require(try await bench.state.job(id))
            #expect(job.status == .succeeded && job.modelVersion == "v7", "\(job)")
            #expect(job.message?.contains("left before the version was offered") == true, "\(job)")
        }
    }

    @Test func `is left to another replica where the trainer tells it again`() async throws {
        let (asked, isAsked) = AsyncStream.makeStream(of: Void.self)
        let trainers = Self.trainers(answersAtOnce: false, asked: isAsked)
        try await JobBench.run([try JobBench.service("t")], port: trainers) { bench in
            let id = try await bench.submit()
            try await bench.withReplica("r1") { for await _ in asked {} }
            let left = try #require(try await bench.state.job(id))
            #expect(left.status == .running && left.runner == nil, "\(left)")
            try await bench.withReplica("r2") {
                let job = try await bench.job(id)
                #expect(job.status == .succeeded && job.modelVersion == "v7")
                #expect(trainers.calls.count { $0.method == "POST" } == 1)
            }
        }
    }

    @Test func `waits for a Redis that is away for a moment, and then offers the version`() async throws {
        let fixture = try await RedisFixture.start()
        let trainers = FakeTrainers { call in
            guard call.path == "/models" else { return FakeTrainers.answer(200, Self.succeeded) }
            try await fixture.withClient { _ = try await $0.send(["ACL", "SETUSER", "default", "-fcall"]) }
            return FakeTrainers.answer(200, #"{"versions":[{"version":"v7"}]}"#)
        }
        let service = try JobBench.service("t")
        try await JobBench.run([service], port: trainers, over: fixture) { bench in
            _ = try await bench.state.register(service.definition, source: .api, floor: .zero)
            let id = try await bench.submit()
            try await bench.withReplica {
                try await fixture.withClient { admin in
                    // More refusals than the runner's other commands make before it has tried to offer.
                    let isRefused = try await eventually(within: .seconds(30)) {
                        let text = try await admin.send(["INFO", "commandstats"]).string ?? ""
                        let count = text.firstMatch(of: /cmdstat_fcall:.*rejected_calls=([0-9]+)/).map { $0.1 }
                        return count.flatMap { Int($0) } ?? 0 >= 12
                    }
                    #expect(isRefused)
                    _ = try await admin.send(["ACL", "SETUSER", "default", "+fcall"])
                }
                let job = try await bench.job(id)
                #expect(job.status == .succeeded && job.message == nil, "\(job)")
            }
        }
        await fixture.stop()
    }
}

struct JobSurprise: Error {}
