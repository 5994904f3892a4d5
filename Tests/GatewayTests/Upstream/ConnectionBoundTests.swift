import Gateway
import ManagerTesting
import Registry
import Testing

/// Connections to instances are bounded over all of them: the files that a replica may open are for others, too.
@Suite struct `The bound of connections to instances` {
    @Test func `refuses whoever needs one more, blames no instance, and gives a closed one's place away`() async throws
    {
        let stub = try await StubUpstream.start { number, _ in
            (number == 0 ? [.hold] : []) + [.send(StubUpstream.json("1", headers: "connection: close\r\n")), .close]
        }
        try await Setting.run {
            $0.upstreamConnectionsMax = 1
        } _: { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            async let first = setting.predict()
            #expect(try await eventually(within: .seconds(30)) { stub.requests.count == 1 })
            for _ in 0..<8 {
                let refused = try await setting.predict(headers: "x-mm-max-retries: 0\r\n")
                #expect(refused.status == 503)
                #expect(refused["x-mm-error-code"] == "overloaded")
                #expect(refused.body.contains(#""outcome":"exhausted""#), "\(refused.body)")
            }
            #expect(setting.news.all == [], "eight failures would have tripped its breaker")
            stub.release()
            #expect(try await first.status == 200)
            #expect(
                try await eventually(within: .seconds(30)) {
                    try await setting.predict(headers: "x-mm-max-retries: 0\r\n").status == 200
                }
            )
        }
        await stub.stop()
    }

    @Test(arguments: [(1024, 2, 444), (20_000, 2, 9932), (200, 2, 50), (64, 64, 16), (2, 1, 1), (1_000_000, 8, 10_000)])
    func `leaves files for the rest of the replica`(files: Int, loops: Int, each: Int) {
        var settings = DataPlaneSettings(replicaID: "r")
        settings.fit(filesMax: files, eventLoops: loops)
        #expect(settings.connectionsMax == each)
        #expect(settings.upstreamConnectionsMax == each)
    }
}
