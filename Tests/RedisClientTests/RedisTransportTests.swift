import Glibc
import ManagerTesting
import Testing

@testable import RedisClient

/// The ways to a server other than a Unix socket.
@Suite(.timeLimit(.minutes(5))) struct `A Redis connection` {
    @Test func `goes over TCP`() async throws {
        let (fixture, port) = try await RedisFixture.startListening { ["--port", "\($0)", "--bind", "127.0.0.1"] }
        try await Self.ping("redis://127.0.0.1:\(port)", fixture)
        try await Self.ping("redis://localhost:\(port)/1", fixture)
        await fixture.stop()
    }

    @Test func `goes over TLS, by name and by address`() async throws {
        let (fixture, port, certificates) = try await Self.startTLS()
        try await Self.ping("rediss://localhost:\(port)?ca=\(certificates)/ca.crt", fixture)
        try await Self.ping("rediss://127.0.0.1:\(port)?ca=\(certificates)/ca.crt", fixture)
        await fixture.stop()
    }

    @Test func `is not made to a server whose certificate is not trusted or for another name`() async throws {
        let (fixture, port, certificates) = try await Self.startTLS()
        let trials = [
            ("rediss://localhost:\(port)", "is not trusted"),
            ("rediss://127.0.0.2:\(port)?ca=\(certificates)/ca.crt", "another name"),
        ]
        for (url, reason) in trials {
            let configuration = try RedisConfiguration(url: url)
            try await fixture.client { $0 = configuration }.whileRunning { redis in
                try await becomesTrue { redis.state.reason?.code == .connectFailed }
                #expect(redis.state.reason?.message.contains(reason) == true, "\(redis.state)")
            }
        }
        await fixture.stop()
    }

    @Test func `without a server says where it failed`() async throws {
        let configuration = try RedisConfiguration(url: "unix:///nowhere/redis.sock")
        let fixture = try await RedisFixture.shared()
        try await fixture.client { $0 = configuration }.whileRunning { redis in
            try await becomesTrue { redis.state.reason?.code == .connectFailed }
            let error = await failure { try await redis.send(["PING"]) }
            #expect(error?.code == .notConnected)
            #expect(error?.message.contains("/nowhere/redis.sock") == true)
            await #expect(throws: RedisError.self) { try await redis.waitConnected(within: .milliseconds(20)) }
        }
    }

    private static func ping(_ url: String, _ fixture: RedisFixture) async throws {
        var configuration = try RedisConfiguration(url: url)
        configuration.connectTimeout = .seconds(5)
        configuration.commandTimeout = .seconds(5)
        try await fixture.withClient {
            $0 = configuration
        } _: { redis in
            try await #expect(redis.send(["PING"]).string == "PONG")
        }
    }

    private static func startTLS() async throws -> (fixture: RedisFixture, port: Int, certificates: String) {
        let directory = try TemporaryDirectory.make("tls")
        let script = """
            openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.crt -days 2 -subj /CN=test-ca &&
            openssl req -newkey rsa:2048 -nodes -keyout server.key -out server.csr -subj /CN=server &&
            printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' > names &&
            openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial -out server.crt -days 2 \
                -extfile names
            """
        let shell = try await ServerProcess.start("/bin/sh", ["-c", script], directory: directory, log: "log")
        await shell.waitForExit()
        try #require(access("\(directory)/server.crt", R_OK) == 0, "openssl is needed for this test")
        let (fixture, port) = try await RedisFixture.startListening { port in
            [
                "--tls-port", "\(port)", "--bind", "127.0.0.1", "127.0.0.2",
                "--tls-cert-file", "\(directory)/server.crt", "--tls-key-file", "\(directory)/server.key",
                "--tls-ca-cert-file", "\(directory)/ca.crt", "--tls-auth-clients", "no",
            ]
        }
        return (fixture, port, directory)
    }
}
