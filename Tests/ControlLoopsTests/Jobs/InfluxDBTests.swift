import Foundation
import ManagerTesting
import NIOCore
import NIOPosix
import Registry
import Testing

/// A real InfluxDB 1.x, as Debian's package `influxdb` has it, where it is installed.
@Suite struct `A real InfluxDB 1` {
    private static let places = ["/usr/bin/influxd", "/usr/local/bin/influxd"]
    static let program = places.first { FileManager.default.isExecutableFile(atPath: $0) }

    @Test(.enabled(if: Self.program != nil, "influxd of Debian's package influxdb is not installed"))
    func `gives the data of a job, and its faults`() async throws {
        let folder = try ScratchFolder()
        let (influx, url) = try await Self.start(try #require(Self.program), in: folder)
        let client = PlainClient(url)
        #expect(try await client.post("/query?q=CREATE%20DATABASE%20training", "").status == 200)
        let lines = (0..<25_000).map { "sine,room=a value=\(Double($0) / 8) \(1_700_000_000 + $0)" }
        #expect(try await client.post("/write?db=training&precision=s", lines.joined(separator: "\n")).status == 204)
        try await self.givesData(url)
        try await self.givesFaults(url)
        influx.signal(SIGTERM)
    }

    private func givesData(_ url: String) async throws {
        let all = #"{"db": "training", "q": "SELECT value FROM sine WHERE room = $room", "params": {"room": "a"}}"#
        let (job, body) = try await DataBench.train(from: url, .influxdb1, query: all)
        #expect(job.status == .succeeded && job.rows == 25_000, "\(job)")
        let data = try JSONValue.parse(try #require(body))["data"]?.asArray
        #expect(data?.count == 25_000 && data?[8].asNumber == 1 && data?[9].asNumber == 1.125)
        let grouped = #"{"db": "training", "q": "SELECT mean(value) AS m, max(value) FROM sine GROUP BY room"}"#
        let (_, table) = try await DataBench.train(from: url, .influxdb1, query: grouped)
        #expect(table?.contains(#""columns":["room","time","m","max"],"rows":[["a",0,"#) == true, "\(table ?? "")")
        let none = #"{"db": "training", "q": "SELECT value FROM nothing"}"#
        let (empty, nothing) = try await DataBench.train(from: url, .influxdb1, query: none)
        #expect(empty.rows == 0 && nothing?.hasSuffix(#""data":[]}"#) == true, "\(empty)")
    }

    private func givesFaults(_ url: String) async throws {
        for (query, why) in [
            (#"{"db": "nodb", "q": "SELECT value FROM sine"}"#, "database not found"),
            (#"{"db": "training", "q": "SELECT"}"#, "answered 400: error parsing query"),
        ] {
            let (job, _) = try await DataBench.train(from: url, .influxdb1, query: query)
            #expect(job.status == .failed && job.error?.contains(why) == true, "\(job.error ?? "")")
        }
    }

    /// On ports that were free a moment ago; again should somebody else have taken them.
    private static func start(_ program: String, in folder: ScratchFolder) async throws -> (RunningProgram, String) {
        for attempt in 0..<3 {
            let (http, rpc) = (try await Self.freePort(), try await Self.freePort())
            try folder.write(Self.configuration("\(folder.path)/\(attempt)", http, rpc), to: "\(attempt).conf")
            let arguments = ["run", "-config", "\(folder.path)/\(attempt).conf"]
            let influx = try await RunningProgram.start(program, arguments, waitsForReady: false)
            let url = "http://127.0.0.1:\(http)"
            let isUp = try await eventually(within: .seconds(20)) {
                (try? await PlainClient(url).get("/ping").status) == 204
            }
            if isUp { return (influx, url) }
            influx.signal(SIGKILL)
        }
        throw RunningProgram.StartFailure(description: "influxd did not start")
    }

    private static func configuration(_ base: String, _ http: Int, _ rpc: Int) -> String {
        """
        reporting-disabled = true
        bind-address = "127.0.0.1:\(rpc)"
        [meta]
        dir = "\(base)/meta"
        [data]
        dir = "\(base)/data"
        wal-dir = "\(base)/wal"
        index-version = "tsi1"
        [monitor]
        store-enabled = false
        [http]
        bind-address = "127.0.0.1:\(http)"
        log-enabled = false
        [ifql]
        enabled = false
        """
    }

    private static func freePort() async throws -> Int {
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        let channel = try await bootstrap.bind(host: "127.0.0.1", port: 0).get()
        let port = channel.localAddress?.port ?? 0
        try await channel.close()
        return port
    }
}
