import ManagerTesting
import Testing

@testable import RedisClient

@Suite struct `A handshake` {
    private static let primary = RedisValue.array([.text(Array("master".utf8)), .integer(0), .array([])])
    private static let replica = RedisValue.array([.text(Array("slave".utf8))])
    private static let questions: [[RedisWord]] = [["ROLE"], ["INFO", "server"], ["INFO", "memory"], ["PING"]]
    private static let server = RedisValue.text(Array("# Server\r\nredis_version:7.0.15\r\nos:x\r\n".utf8))
    private static let memory = RedisValue.text(Array("maxmemory:0\r\nmaxmemory_policy:noeviction\r\n".utf8))
    private static let pong = RedisValue.text(Array("PONG".utf8))

    @Test func `says only what the configuration asks for`() throws {
        #expect(Handshake(RedisConfiguration(address: .tcp(host: "h", port: 1))).commands == Self.questions)
        var full = try RedisConfiguration(url: "redis://mm:secret@h/2")
        full.clientName = "replica"
        #expect(
            Handshake(full).commands == [
                ["AUTH", "mm", "secret"], ["CLIENT", "SETNAME", "replica"], ["SELECT", "2"],
            ] + Self.questions
        )
        let withoutUser = try RedisConfiguration(url: "redis://:secret@h")
        #expect(Handshake(withoutUser).commands.first == ["AUTH", "secret"])
    }

    @Test(arguments: [
        (primary, pong, nil),
        (.error("NOPERM no ROLE"), pong, nil),
        (primary, .error("MISCONF no disk"), nil),
        (primary, .error("NOPERM no PING"), nil),
        (replica, pong, RedisError.Code.readOnly),
        (.null, pong, .readOnly),
        (primary, .error("LOADING wait"), .loading),
        (primary, .error("MASTERDOWN Link with MASTER is down"), .masterDown),
        (primary, .error("BUSY script"), .busy),
    ])
    func `accepts a primary that answers`(role: RedisValue, ping: RedisValue, code: RedisError.Code?) {
        let handshake = Handshake(RedisConfiguration(address: .tcp(host: "h", port: 1)))
        #expect(handshake.objection(to: [role, Self.server, Self.memory, ping])?.code == code)
    }

    @Test func `objects to a refused password, whatever the words, and to a refused database`() throws {
        let handshake = Handshake(try RedisConfiguration(url: "redis://:secret@h/2"))
        let ok = RedisValue.text(Array("OK".utf8))
        #expect(
            handshake.objection(to: [.error("ERR no idea"), ok, Self.primary, Self.server, Self.memory, Self.pong])?
                .code == .noAuth
        )
        #expect(
            handshake.objection(to: [ok, .error("ERR index"), Self.primary, Self.server, Self.memory, Self.pong])?.code
                == .connectFailed
        )
        #expect(handshake.objection(to: [ok, ok, Self.primary, Self.server, Self.memory, Self.pong]) == nil)
    }

    @Test(arguments: [("6.2.14", true), ("7.0.0", false), ("10.1", false), ("unknown", false)])
    func `objects to a server without Functions`(version: String, isRefused: Bool) {
        let handshake = Handshake(RedisConfiguration(address: .tcp(host: "h", port: 1)))
        let server = RedisValue.text(Array("redis_version:\(version)\r\n".utf8))
        let objection = handshake.objection(to: [Self.primary, server, Self.memory, Self.pong])
        #expect((objection?.code == .unsupported) == isRefused)
        #expect(handshake.objection(to: [Self.primary, .error("NOPERM"), .error("NOPERM"), Self.pong]) == nil)
    }

    @Test func `warns of a server that may throw keys away`() {
        let handshake = Handshake(RedisConfiguration(address: .tcp(host: "h", port: 1)))
        let unsafe = RedisValue.text(Array("maxmemory_policy:allkeys-lru\r\n".utf8))
        let warnings = handshake.warnings(in: [Self.primary, Self.server, unsafe, Self.pong])
        #expect(warnings.count == 1)
        #expect(warnings.first?.contains("allkeys-lru") == true)
        #expect(handshake.warnings(in: [Self.primary, Self.server, Self.memory, Self.pong]) == [])
        #expect(handshake.warnings(in: [Self.primary, Self.server, .error("NOPERM"), Self.pong]) == [])
    }
}

@Suite struct `The pause before connecting again` {
    @Test(arguments: [
        (RedisError.Code.connectFailed, Duration.seconds(2)), (.loading, .seconds(2)), (.connectionLost, .seconds(2)),
        (.tooManyClients, .seconds(3)), (.noAuth, .seconds(3)), (.unsupported, .seconds(3)),
    ])
    func `grows to a cap that depends on the reason, and begins anew after a success`(
        code: RedisError.Code,
        cap: Duration
    ) {
        var backoff = ReconnectBackoff()
        let waits = (0..<20).map { _ in backoff.wait(after: code, random: 0.999_999) }
        #expect(waits[0] < .milliseconds(151))
        #expect(waits[0] > .milliseconds(149))
        #expect(waits.last == cap)
        #expect(zip(waits, waits.dropFirst()).allSatisfy { $0 <= $1 })
        #expect(backoff.wait(after: code, random: 0) == .milliseconds(50))
        backoff.succeeded()
        #expect(backoff.wait(after: code, random: 0.999_999) == waits[0])
    }

    @Test func `is never shorter than the base and differs between replicas`() {
        var random = SeededRandom.announced()
        var firsts: Set<Duration> = []
        for _ in 0..<50 {
            var backoff = ReconnectBackoff()
            let waits = (0..<10).map { _ in
                backoff.wait(after: .connectFailed, random: .random(in: 0..<1, using: &random))
            }
            #expect(waits.allSatisfy { $0 >= .milliseconds(50) && $0 <= .seconds(2) })
            firsts.insert(waits[0])
        }
        #expect(firsts.count > 40)
    }
}
