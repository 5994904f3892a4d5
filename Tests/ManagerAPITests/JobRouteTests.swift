import ClusterState
import HTTPTypes
import HummingbirdTesting
import Registry
import Synchronization
import Testing

@testable import ManagerAPI

/// Jobs in memory instead of Redis.
final class FakeBoard: JobBoard {
    struct State {
        var orders: [JobOrder] = []
        var job: Job?
        /// Looks at the job before it ends.
        var looks = Int.max
        var reply: (@Sendable (Job) -> SubmitReply) = { .queued($0) }
        var cancel: (@Sendable (Job) -> CancelReply) = { .requested($0) }
    }

    let state = Mutex(State())

    func submit(_ order: JobOrder) async throws(Problem) -> SubmitReply {
        self.state.withLock { state in
            state.orders.append(order)
            let created = Timestamp(milliseconds: 1_760_000_000_000)
            let job = Job(id: order.id, status: .queued, modelType: order.request.modelType, createdAt: created)
            state.job = job
            return state.reply(job)
        }
    }

    func job(_ id: JobID) async throws(Problem) -> Job? {
        self.state.withLock { state in
            state.looks -= 1
            if state.looks <= 0 { state.job?.status = .succeeded }
            return state.job?.id == id ? state.job : nil
        }
    }

    func jobs(after: JobID?, limit: Int, status: JobStatus?, modelType: ModelType?) async throws(Problem) -> JobPage? {
        self.state.withLock { state in
            after == nil ? JobPage(jobs: state.job.map { [$0] } ?? [], next: nil) : nil
        }
    }

    func cancel(_ id: JobID) async throws(Problem) -> CancelReply {
        self.state.withLock { state in
            guard let job = state.job, job.id == id else { return .absent }
            return state.cancel(job)
        }
    }
}

@Suite struct JobRouteTests {
    private let replica = FakeReplica()
    private let board = FakeBoard()

    private func send(
        _ method: HTTPRequest.Method,
        _ uri: String,
        headers: HTTPFields = [:],
        body: String? = nil
    ) async throws -> TestResponse {
        self.replica.edit { $0.jobs = self.board }
        return try await self.replica.send(method, uri, headers: headers, body: body)
    }

    private func header(_ name: String, _ value: String) throws -> HTTPFields {
        [try #require(HTTPField.Name(name)): value]
    }

    private func addTrainer() throws {
        try self.replica.add("t") { $0.definition.capabilities = ["training"] }
        try self.replica.add("p")
        try self.replica.add("g", type: "GRU")
        try self.replica.add("d", type: "data") { service in
            service.definition.kind = .data
            service.definition.wireProtocol = .influxdb1
        }
    }

    @Test func `accepts a job and says where to ask about it`() async throws {
        try self.addTrainer()
        let body = #"{"model_type": "LSTM", "config": {"epochs": 2}}"#
        let answer = try await self.send(.post, "/train", headers: try self.header("idempotency-key", "k1"), body: body)
        #expect(answer.status == .accepted)
        let order = try #require(self.board.state.withLock { $0.orders.first })
        #expect(answer.headers[.location] == "/train/\(order.id)")
        #expect(order.key == "k1" && order.body == Array(body.utf8))
        let job = try JSONValue.parse(answer.text)
        #expect(job["job_id"]?.asString == order.id.text && job["status"] == "queued")
        #expect(job["maybe_started"] == false && job["created_at"] == "2025-10-09T08:53:20.000Z")
        #expect(try await self.send(.get, "/train/\(order.id)").status == .ok)
        #expect(try JSONValue.parse(try await self.send(.get, "/train").text)["jobs"]?.asArray?.count == 1)
    }

    @Test func `waits for the end as long as the caller prefers`() async throws {
        try self.addTrainer()
        let prefer = try self.header("prefer", "respond-async, wait=100")
        let body = #"{"model_type": "LSTM"}"#
        let late = try await self.send(.post, "/train", headers: prefer, body: body)
        #expect(late.status == .accepted)
        #expect(late.headers[try #require(HTTPField.Name("preference-applied"))] == "wait=60")
        #expect(self.replica.edit { $0.now } == Instant(nanoseconds: 1_000_000_000_000) + .seconds(60))
        self.board.state.withLock { $0.looks = 3 }
        let ended = try await self.send(.post, "/train", headers: prefer, body: body)
        #expect(ended.status == .ok)
        #expect(try JSONValue.parse(ended.text)["status"] == "succeeded")
    }

    @Test func `does not wait on when the replica leaves, and still tells the job`() async throws {
        try self.addTrainer()
        self.replica.edit { state in state.whileSleeping = { $0.isDraining = true } }
        let prefer = try self.header("prefer", "wait=60")
        let answer = try await self.send(.post, "/train", headers: prefer, body: #"{"model_type": "LSTM"}"#)
        #expect(answer.status == .accepted)
        #expect(try JSONValue.parse(answer.text)["status"] == "queued")
        let waited = self.replica.edit { $0.now } - Instant(nanoseconds: 1_000_000_000_000)
        #expect(waited < .seconds(1))
    }

    @Test(arguments: [
        (#"{"model_type": "TREE"}"#, "model_not_found"), (#"{"model_type": "GRU"}"#, "capability_mismatch"),
        (#"{"model_type": "LSTM", "model_version": "v9"}"#, "version_not_found"), ("{", "invalid_request"),
        (#"{"model_type": 5}"#, "validation_error"),
        (
            #"{"model_type": "LSTM", "data_source": {"service": "x", "query": {"db": "d", "q": "SELECT s"}}}"#,
            "service_not_found"
        ),
        (
            #"{"model_type": "LSTM", "data_source": {"service": "t", "query": {"db": "d", "q": "SELECT s"}}}"#,
            "validation_error"
        ),
        (
            #"{"model_type": "LSTM", "data_source": {"service": "d", "query": {"path": "/x"}}}"#, "validation_error"
        ),
    ]) func `refuses what nobody could train`(body: String, code: String) async throws {
        try self.addTrainer()
        let answer = try await self.send(.post, "/train", body: body)
        #expect(try JSONValue.parse(answer.text)["code"]?.asString == code, "\(answer.text)")
        #expect(self.board.state.withLock { $0.orders.isEmpty })
    }

    @Test func `tells a key of another request, a full list and a broken key`() async throws {
        try self.addTrainer()
        let body = #"{"model_type": "LSTM"}"#
        self.board.state.withLock { $0.reply = { .conflict($0.id) } }
        #expect(try await self.send(.post, "/train", body: body).status == .conflict)
        self.board.state.withLock { $0.reply = { _ in .full(jobs: 1000, bytes: 5) } }
        let full = try await self.send(.post, "/train", body: body)
        #expect(full.status == .serviceUnavailable && full.headers[.retryAfter] == "30")
        for key in ["a b", String(repeating: "x", count: 256)] {
            let answer = try await self.send(
                .post,
                "/train",
                headers: try self.header("idempotency-key", key),
                body: body
            )
            #expect(answer.status == .badRequest)
        }
    }

    @Test func `cancels, and knows what there is not`() async throws {
        try self.addTrainer()
        _ = try await self.send(.post, "/train", body: #"{"model_type": "LSTM"}"#)
        let id = try #require(self.board.state.withLock { $0.job?.id })
        #expect(try await self.send(.delete, "/train/\(id)").status == .accepted)
        self.board.state.withLock { $0.cancel = { .cancelled($0) } }
        #expect(try await self.send(.delete, "/train/\(id)").status == .ok)
        for method in [HTTPRequest.Method.get, .delete] {
            let answer = try await self.send(method, "/train/job-nobody")
            #expect(try JSONValue.parse(answer.text)["code"] == "job_not_found")
        }
        #expect(try await self.send(.get, "/train?after=job-nobody").status.code == 422)
        #expect(try await self.send(.get, "/train?status=odd").status.code == 422)
        #expect(try await self.send(.get, "/train?limit=10000").status.code == 200)
        #expect(try await self.send(.get, "/train?limit=10001").status.code == 422)
        #expect(try await FakeReplica().send(.get, "/train").status == .notFound, "no board")
    }
}
