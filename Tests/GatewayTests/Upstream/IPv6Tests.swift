import Gateway
import ManagerTesting
import NIOCore
import Registry
import Testing

@Suite(.enabled(if: LoopbackSix.isThere, "this machine has no ::1")) struct `Over IPv6` {
    @Test func `the manager listens and instances are reached`() async throws {
        let stub = try await StubUpstream.start(host: "::1") { _, _ in [.send(StubUpstream.json("six")), .next] }
        try await Setting.run(host: "::1") { setting in
            setting.register([try Setting.service("a", at: stub.url + "/base")])
            for _ in 0..<3 {
                let answer = try await setting.predict()
                #expect(answer.status == 200, "\(answer.body)")
                #expect(answer.body == "six")
                #expect(answer["x-mm-instance"] == "http://[::1]:\(stub.port)/base")
            }
            #expect(stub.connections == 1)
            #expect(stub.requests[0].hasPrefix("POST /base/predict HTTP/1.1\r\nhost: [::1]:\(stub.port)\r\n"))
        }
        await stub.stop()
    }

    @Test func `an instance that is the manager itself is refused`() async throws {
        try await Setting.run(host: "::1") { setting in
            setting.register([try Setting.service("a", at: "http://[::1]:\(setting.port)")])
            let answer = try await setting.predict(headers: "x-mm-max-retries: 0\r\n")
            #expect(answer.status == 502)
            #expect(answer.body.contains(#""outcome":"denied""#), "\(answer.body)")
        }
    }

    @Test func `addresses of the link stay refused, in brackets and with IPv4 inside`() async throws {
        try await Setting.run(host: "::1") { setting in
            for host in ["[fe80::1]", "[::ffff:169.254.169.254]", "[64:ff9b::a9fe:a9fe]"] {
                setting.register([try Setting.service("a", at: "http://\(host):80")])
                let answer = try await setting.predict(headers: "x-mm-max-retries: 0\r\n")
                #expect(answer.body.contains(#""outcome":"denied""#), "\(host): \(answer.body)")
            }
        }
    }
}
