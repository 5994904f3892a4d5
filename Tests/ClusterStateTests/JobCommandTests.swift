import ClusterState
import ManagerTesting
import Registry
import Testing

@Suite struct `The commands for jobs` {
    private func order(_ id: String, key: String? = nil, body: String = #"{"model_type":"LSTM"}"#) throws -> JobOrder {
        try Samples.order(id, key: key, body: body)
    }

    @Test func `carry a job from its submission to its end`() async throws {
        try await withState { state in
            let test = #"{"metric":"mse","dataset":{"inline":[{"data":[1],"expected":2}]}}"#
            let body = #"{"model_type":"LSTM","model_version":"latest","validation":\#(test),"timeout":60}"#
            guard case .queued(let queued) = try await state.submit(self.order("j", key: "k", body: body)) else {
                throw StateSurprise()
            }
            #expect(queued.status == .queued && queued.phase == .waiting && queued.requestedVersion == .latest)
            #expect(queued.validation?["metric"] == "mse")
            #expect(try await state.submit(self.order("j2", key: "k", body: body)) == .known(queued))
            #expect(try await state.submit(self.order("j2", key: "k")) == .conflict(queued.id))
            #expect(try await state.claimJobs(1, session: "r1.a", running: []) == nil)
            _ = try await state.beat("r1.a", for: .seconds(6), sentAt: nil, Samples.status)
            let claimed = try #require(try await state.claimJobs(1, session: "r1.a", running: [])?.first)
            #expect(claimed.job.runner == "r1.a")
            #expect(claimed.remaining > .seconds(50) && claimed.remaining <= .seconds(60))
            #expect(try await state.jobRequest(queued.id) == Array(body.utf8))
            let place = InstanceKey(service: try Samples.id("s"), url: try ServiceURL("http://h:1"))
            let sent = try await state.sendJob(
                queued.id,
                to: place,
                limit: 1,
                session: "r1.a",
                [.asked([place.service])]
            )
            #expect(sent == .done)
            let attempt = Problem.Attempt(service: place.service, url: place.url, outcome: "accepted", milliseconds: 7)
            let noted = try await state.noteJob(
                queued.id,
                phase: .watching,
                session: "r1.a",
                [.watchPath("/train/1"), .progress(0.5), .attempts([attempt])]
            )
            #expect(noted == .done)
            guard case .requested(let running) = try await state.cancelJob(queued.id) else { throw StateSurprise() }
            #expect(running.status == .running && running.phase == .watching && running.service == place.service)
            #expect(running.watchPath == "/train/1" && running.progress == 0.5 && running.attempts == [attempt])
            #expect(try await state.noteJob(queued.id, phase: nil, session: "r1.a", []) == .cancelRequested)
            let end = try await state.endJob(
                queued.id,
                .succeeded,
                detail: "",
                session: "r1.a",
                [.result(["loss": 1]), .modelVersion("v3")]
            )
            #expect(end == .done)
            #expect(try await state.endJob(queued.id, .failed, detail: "", session: "r1.a", []) == .lost)
            let ended = try #require(try await state.job(queued.id))
            #expect(ended.status == .succeeded && ended.result == ["loss": 1] && ended.modelVersion == "v3")
            #expect(ended.phase == nil && ended.endedAt != nil)
            #expect(try await state.cancelJob(queued.id) == .ended(ended))
        }
    }

    @Test func `list pages over many calls`() async throws {
        try await withState { state in
            for number in 0..<450 { _ = try await state.submit(self.order("j\(number)")) }
            let first = try #require(try await state.jobs(after: nil, limit: 440, status: nil, modelType: nil))
            #expect(first.jobs.count == 440)
            let rest = try #require(
                try await state.jobs(after: first.next, limit: 440, status: .queued, modelType: nil)
            )
            #expect(rest.jobs.count == 10 && rest.next == nil)
            #expect(Set((first.jobs + rest.jobs).map(\.id)).count == 450)
            #expect(try await state.jobs(after: JobID("nobody"), limit: 1, status: nil, modelType: nil) == nil)
            #expect(try await state.cancelJob(JobID(random: 1)) == .absent)
            #expect(try await state.job(JobID(random: 1)) == nil)
        }
    }
}
