import ControlLoops
import Gateway
import Logging
import ManagerTesting
import NIOCore
import NIOPosix
import Registry
import Synchronization
import Testing

/// Data for training jobs from real sockets, through the data plane's own client.
@Suite struct `A job's data` {
    @Test func `is added to the request as a list`() async throws {
        let stub = try await StubUpstream.answering(StubUpstream.json(#"{"time":[1,2],"data":[0.5,0.25]}"#))
        let (job, body) = try await DataBench.train(
            from: stub.url,
            .http,
            query: #"{"path": "/d", "params": {"n": 2}}"#
        )
        #expect(job.status == .succeeded && job.rows == 2, "\(job)")
        #expect(body == #"{"model_type":"LSTM","config":{"epochs":1},"data":[0.5,0.25]}"#)
        #expect(stub.requests.first?.hasPrefix("GET /d?n=2 HTTP/1.1\r\n") == true)
        await stub.stop()
    }

    @Test func `comes from InfluxDB 2 as annotated CSV`() async throws {
        let csv =
            "#datatype,string,long,dateTime:RFC3339,double\r\n#group,false,false,false,false\r\n#default,_result,,,\r\n"
            + ",result,table,_time,_value\r\n,,0,2024-01-01T00:00:00Z,0.5\r\n,,0,2024-01-01T00:00:01Z,2\r\n\r\n"
        let head =
            "HTTP/1.1 200 OK\r\ncontent-type: text/csv; charset=utf-8\r\ncontent-length: \(csv.utf8.count)\r\n\r\n"
        let stub = try await StubUpstream.answering(head + csv)
        let (job, body) = try await DataBench.train(
            from: stub.url,
            .influxdb2,
            query: #"{"org": "o", "flux": "from()"}"#
        )
        #expect(job.status == .succeeded, "\(job)")
        #expect(body?.hasSuffix(#""data":[0.5,2.0]}"#) == true, "\(body ?? "")")
        #expect(stub.requests.first?.hasPrefix("POST /api/v2/query?org=o HTTP/1.1\r\n") == true)
        await stub.stop()
    }

    @Test func `that is away fails the job, with the attempts`() async throws {
        let (job, body) = try await DataBench.train(from: "http://127.0.0.1:1", .http, query: #"{"path": "/d"}"#)
        #expect(job.status == .failed && job.code == .upstreamUnreachable)
        #expect(job.error?.hasPrefix("the data service data is away: connect_refused") == true, "\(job.error ?? "")")
        #expect(job.attempts.map(\.outcome) == ["connect_refused", "connect_refused", "connect_refused"])
        #expect(body == nil, "no trainer was asked")
    }

    @Test(arguments: [
        (#"{"results":[{"error":"database not found: x"}]}"#, "200 OK", "InfluxDB says: database not found: x"),
        (#"{"error":"bad query"}"#, "400 Bad Request", "answered 400: bad query"),
    ]) func `that makes no sense fails the job, and says why`(body: String, status: String, why: String) async throws {
        let stub = try await StubUpstream.answering(StubUpstream.json(body, status: status))
        let (job, _) = try await DataBench.train(from: stub.url, .influxdb1, query: #"{"db": "x", "q": "SELECT 1"}"#)
        #expect(job.status == .failed && job.code == .upstreamInvalid)
        #expect(job.error?.contains(why) == true, "\(job.error ?? "")")
        #expect(stub.requests.count == 1)
        await stub.stop()
    }

    /// Too many bytes, and too many rows in few bytes.
    @Test(arguments: [true, false], [9 * 1024 * 1024, 1_000_000])
    func `that is too much goes as an address, to trainers that can fetch`(fetches: Bool, rows: Int) async throws {
        let long = "[" + String(repeating: "1,", count: rows) + "1]"
        let stub = try await StubUpstream.answering(StubUpstream.json(long))
        let (job, body) = try await DataBench.train(
            from: stub.url,
            .http,
            query: #"{"path": "/d"}"#,
            capabilities: fetches ? ["training", "data_url"] : ["training"]
        )
        #expect(job.status == (fetches ? .succeeded : .failed), "\(job)")
        if fetches {
            #expect(body?.hasSuffix(#""data_url":"\#(stub.url)/d","data_protocol":"http"}"#) == true, "\(body ?? "")")
        } else {
            #expect(job.code == .payloadTooLarge && job.error?.contains("data_url") == true)
        }
        await stub.stop()
    }
}

/// Runs one job whose data comes from a service.
enum DataBench {
    private struct NoNews: DataPlaneNews {
        func breakerMoved(_ key: InstanceKey, to phase: BreakerPhase, trips: Int) {}
    }

    /// The job at its end, and the body that the trainer got.
    static func train(
        from url: String,
        _ wire: ServiceDefinition.WireProtocol,
        query: String,
        capabilities: [String] = ["training"]
    ) async throws -> (job: Job, body: String?) {
        let trainer = try await StubUpstream.answering(StubUpstream.json(#"{"status":"done"}"#))
        let data = try JobBench.service("data", at: url) {
            $0.kind = .data
            $0.wireProtocol = wire
        }
        let services = [try JobBench.service("t", at: trainer.url) { $0.capabilities = capabilities }, data]
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let plane = DataPlane(
            settings: DataPlaneSettings(replicaID: "test"),
            group: group,
            news: NoNews(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        )
        let source = #"{"service": "data", "query": \#(query)}"#
        let body = #"{"model_type":"LSTM","config":{"epochs":1},"data_source":\#(source)}"#
        let ended = Mutex<Job?>(nil)
        try await JobBench.run(services, port: plane) { bench in
            let id = try await bench.submit(body)
            try await bench.withReplica {
                let job = try await bench.job(id)
                ended.withLock { $0 = job }
            }
        }
        let sent = trainer.requests.first
        await trainer.stop()
        try await group.shutdownGracefully()
        return (try #require(ended.withLock { $0 }), sent.flatMap(Self.body))
    }

    private static func body(of request: String) -> String? {
        request.firstRange(of: "\r\n\r\n").map { String(request[$0.upperBound...]) }
    }
}
