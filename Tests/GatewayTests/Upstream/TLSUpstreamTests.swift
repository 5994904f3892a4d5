import Gateway
import ManagerTesting
import NIOCore
import NIOSSL
import Registry
import Testing

/// Instances behind `https`, with certificates of an authority that only the test knows.
@Suite(.timeLimit(.minutes(5))) struct `An https instance` {
    private typealias Script = StubUpstream.Script

    private static let answers: Script = { number, _ in [.send(StubUpstream.json("\(number)")), .next] }

    /// A stub that shows the certificate.
    private func stub(_ identity: TestAuthority.Identity, _ script: @escaping Script = Self.answers) async throws
        -> StubUpstream
    {
        let configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(identity.certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: identity.key, format: .pem))
        )
        let context = try NIOSSLContext(configuration: configuration)
        return try await StubUpstream.start(
            prepare: { try $0.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context)) },
            script
        )
    }

    private func trusting(_ authority: TestAuthority) throws -> (inout DataPlaneSettings) -> Void {
        let authorities = try ServiceAuthorities(pemFile: authority.certificate)
        return { $0.authorities = authorities }
    }

    @Test(arguments: ["localhost", "127.0.0.1"])
    func `is reached by name and by address, over one connection that is kept`(host: String) async throws {
        let authority = try await TestAuthority.make()
        let stub = try await self.stub(authority.issue("server", for: "DNS:localhost,IP:127.0.0.1"))
        try await Setting.run(self.trusting(authority)) { setting in
            setting.register([try Setting.service("a", at: "https://\(host):\(stub.port)/base")])
            for number in 0..<5 {
                let answer = try await setting.predict()
                #expect(answer.status == 200, "\(answer)")
                #expect(answer.body == "\(number)")
                #expect(answer["x-mm-instance"] == "https://\(host):\(stub.port)/base")
            }
            #expect(stub.connections == 1)
            #expect(stub.requests[0].hasPrefix("POST /base/predict HTTP/1.1\r\nhost: \(host):\(stub.port)\r\n"))
        }
        await stub.stop()
    }

    @Test func `streams, and takes large bodies`() async throws {
        let authority = try await TestAuthority.make()
        let piece = String(repeating: "y", count: 0x8000)
        let stub = try await self.stub(authority.issue("server", for: "DNS:localhost")) { _, request in
            [.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")]
                + (0..<8).map { _ in .send("8000\r\n\(piece)\r\n") }
                + [.send("5\r\n\(String(request.utf8.count).prefix(5))\r\n0\r\n\r\n"), .next]
        }
        try await Setting.run(self.trusting(authority)) { setting in
            setting.register([try Setting.service("a", at: "https://localhost:\(stub.port)")])
            let filler = String(repeating: "x", count: 50_000)
            let answer = try await setting.predict(#"{"model_type":"LSTM","data":""# + filler + #""}"#)
            #expect(answer.status == 200)
            #expect(answer.body.utf8.count == 8 * 0x8000 + 5)
            #expect(stub.requests.first?.contains(filler) == true)
        }
        await stub.stop()
    }

    /// Who is shown what, asked for by which host, and the words for the caller.
    struct Doubt: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var subjects = "DNS:localhost,IP:127.0.0.1"
        var days = 2
        var host = "localhost"
        var isTrusted = true
        var words: String
    }

    @Test(arguments: [
        Doubt(testDescription: "unknown authority", isTrusted: false, words: "unknown authority"),
        Doubt(testDescription: "expired", days: -1, words: "expired"),
        Doubt(testDescription: "another name", subjects: "DNS:other.test", words: "another host"),
        Doubt(testDescription: "another address", subjects: "DNS:localhost", host: "127.0.0.1", words: "another host"),
    ]) func `is sent nothing when its certificate is in doubt, and its caller is told why`(doubt: Doubt) async throws {
        let authority = try await TestAuthority.make()
        let stub = try await self.stub(authority.issue("server", for: doubt.subjects, days: doubt.days))
        try await Setting.run(doubt.isTrusted ? self.trusting(authority) : { _ in }) { setting in
            let url = "https://\(doubt.host):\(stub.port)"
            setting.register([try Setting.service("a", at: url)])
            try await self.expectRefusal(setting, url: url, words: doubt.words)
            #expect(stub.requests.isEmpty)
        }
        await stub.stop()
    }

    @Test func `that speaks no TLS is called unreachable`() async throws {
        // A stub answers complete requests only, and a handshake is none; so this one speaks first.
        let greeting = try await StubUpstream.start(
            prepare: { $0.writeAndFlush(ByteBuffer(string: "HTTP/1.1 400 Bad Request\r\n\r\n"), promise: nil) },
            { _, _ in [.next] }
        )
        try await Setting.run { setting in
            let url = "https://127.0.0.1:\(greeting.port)"
            setting.register([try Setting.service("a", at: url)])
            try await self.expectRefusal(setting, url: url, words: "TLS")
        }
        await greeting.stop()
    }

    private func expectRefusal(_ setting: Setting, url: String, words: String) async throws {
        let answer = try await setting.predict(headers: "x-mm-max-retries: 0\r\n")
        #expect(answer.status == 502)
        #expect(answer["x-mm-error-code"] == "upstream_unreachable")
        #expect(answer.body.contains(#""service_id":"a","url":"\#(url)","outcome":"tls""#), "\(answer.body)")
        #expect(answer.body.contains(words), "\(answer.body)")
        await #expect {
            let call = UpstreamCall(url: try ServiceURL(url), path: "/health", timeout: .seconds(20))
            _ = try await setting.plane.call(call)
        } throws: {
            ($0 as? UpstreamFailure)?.kind == .tls
        }
    }

    @Test func `in doubt is passed over for one that is not`() async throws {
        let authority = try await TestAuthority.make()
        let good = try await self.stub(authority.issue("good", for: "DNS:localhost"))
        let bad = try await self.stub(authority.issue("bad", for: "DNS:other.test"))
        try await Setting.run(self.trusting(authority)) { setting in
            setting.register([
                try Setting.service("bad", at: "https://localhost:\(bad.port)"),
                try Setting.service("good", at: "https://localhost:\(good.port)"),
            ])
            for _ in 0..<6 { #expect(try await setting.predict().status == 200) }
            #expect(good.requests.count == 6)
            #expect(bad.requests.isEmpty)
        }
        for stub in [good, bad] { await stub.stop() }
    }

    @Test func `is probed over TLS as well`() async throws {
        let authority = try await TestAuthority.make()
        let stub = try await self.stub(authority.issue("server", for: "DNS:localhost"))
        try await Setting.run(self.trusting(authority)) { setting in
            let url = try ServiceURL("https://localhost:\(stub.port)")
            let answer = try await setting.plane.call(UpstreamCall(url: url, path: "/health", timeout: .seconds(20)))
            #expect(answer.status == 200)
            #expect(stub.requests.first?.hasPrefix("GET /health HTTP/1.1\r\n") == true)
        }
        await stub.stop()
    }

    @Test func `connection that dies while idle costs no request`() async throws {
        let authority = try await TestAuthority.make()
        let stub = try await self.stub(authority.issue("server", for: "DNS:localhost")) { number, _ in
            [.send(StubUpstream.json("\(number)")), .pause(.milliseconds(5)), .close]
        }
        try await Setting.run(self.trusting(authority)) { setting in
            setting.register([try Setting.service("a", at: "https://localhost:\(stub.port)")])
            for number in 0..<10 { #expect(try await setting.predict().body == "\(number)") }
        }
        await stub.stop()
    }

    @Test(arguments: ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
    func `authorities from a file without a certificate are refused`(text: String) throws {
        let folder = try ScratchFolder()
        try folder.write(text, to: "ca.pem")
        #expect(throws: ServiceAuthorities.Unusable.self) { try ServiceAuthorities(pemFile: "\(folder.path)/ca.pem") }
    }
}
