import Decisions
import Registry
import Testing

@Suite struct `What a trainer answers` {
    private func reply(_ status: Int, _ body: String = "", location: String? = nil) -> TrainerReply {
        TrainerReply(status: status, location: location, body: try? JSONValue.parse(body))
    }

    @Test(
        arguments: [
            (202, #"{"job_id": "j1"}"#, nil, "/base/train/j1"),
            (202, "", "/base/train/j1", "/base/train/j1"),
            (202, "", "/train/j1", "/base/train/j1"),
            (202, "", "http://t:1/x?y=1", "/base/x?y=1"),
            (202, #"{"job_id": "j1", "status": "succeeded"}"#, "http://other/x", "/base/train/j1"),
            (202, #"{"job_id": 7}"#, nil, "/base/train/7"),
            (201, #"{"job_id": "j1", "status": "queued"}"#, nil, "/base/train/j1"),
        ] as [(Int, String, String?, String)]
    )
    func `tells where to ask`(status: Int, body: String, location: String?, path: String) throws {
        let answer = self.reply(status, body, location: location).toOrder(at: try ServiceURL("http://t:1/base"))
        #expect(answer == .accepted(path: path))
    }

    @Test(arguments: [
        (200, "", JobStatus.succeeded), (200, #"{"status": "succeeded", "job_id": "j"}"#, .succeeded),
        (200, #"{"status": "FAILED"}"#, .failed), (200, #"{"loss": 1}"#, .succeeded),
        (202, "", .interrupted), (202, #"{"job_id": "../x"}"#, .interrupted),
    ]) func `tells the end at once`(status: Int, body: String, end: JobStatus) throws {
        guard case .ended(let outcome) = self.reply(status, body).toOrder(at: try ServiceURL("http://t:1")) else {
            throw JobSurprise()
        }
        #expect(outcome.status == end)
    }

    @Test(arguments: [429, 503]) func `may be that it is busy`(status: Int) throws {
        let reply = TrainerReply(status: status, retryAfter: .seconds(5))
        #expect(reply.toOrder(at: try ServiceURL("http://t:1")) == .busy(after: .seconds(5)))
        #expect(reply.toQuestion() == .busy(after: .seconds(5)))
    }

    @Test(arguments: [
        (404, TrainerAnswer.unable("404: no such thing")), (405, .unable("405: no such thing")),
        (422, .refused("422: no such thing")), (500, .refused("500: no such thing")),
        (301, .refused("301: no such thing")), (502, .unclear("502: no such thing")),
        (504, .unclear("504: no such thing")), (408, .unclear("408: no such thing")),
    ]) func `may be a refusal, or leave it open whether it began`(status: Int, answer: TrainerAnswer) throws {
        #expect(self.reply(status, #"{"detail": "no such thing"}"#).toOrder(at: try ServiceURL("http://t:1")) == answer)
    }

    @Test(
        arguments: [
            (#"{"status": "running", "progress": 0.25}"#, 0.25), (#"{"status": "training", "progress": 25}"#, 0.25),
            (#"{"status": "running", "epoch": 1, "epochs": 4}"#, 0.25), (#"{"status": "queued"}"#, nil),
            (#"{"status": "running", "epoch": 1, "epochs": 0}"#, nil), (#"{"state": "running", "progress": "x"}"#, nil),
        ] as [(String, Double?)]
    ) func `tells how far it is`(body: String, progress: Double?) {
        let answer = self.reply(200, body).toQuestion()
        #expect(answer == .running(progress: progress, message: nil, after: nil))
    }

    @Test(arguments: [
        ("succeeded", JobStatus.succeeded), ("done", .succeeded), ("Completed", .succeeded), ("error", .failed),
        ("canceled", .cancelled),
    ]) func `ends in many words`(word: String, status: JobStatus) throws {
        let body = #"{"status": "\#(word)", "model_version": "v7", "error": "why"}"#
        guard case .ended(let outcome) = self.reply(200, body).toQuestion() else { throw JobSurprise() }
        #expect(outcome.status == status && outcome.modelVersion == "v7")
        #expect(outcome.error == (status == .failed ? "why" : nil))
        #expect(self.reply(410).toQuestion() == .unknown)
    }

    @Test(arguments: [
        (200, #"{"job_id": "j"}"#, TrainerAnswer.accepted(path: "/train/j")),
        (200, #"{"jobs": [{"job_id": "j"}]}"#, .accepted(path: "/train/j")), (200, #"{"jobs": []}"#, .unknown),
        (200, #"[{"id": "j"}]"#, .accepted(path: "/train/j")), (200, "", .unknown), (404, "", .unknown),
        (405, "", .unknown), (503, "", .busy(after: nil)),
    ]) func `finds a job by its key, or does not`(status: Int, body: String, answer: TrainerAnswer) throws {
        #expect(self.reply(status, body).toSearch(at: try ServiceURL("http://t:1")) == answer)
    }
}
