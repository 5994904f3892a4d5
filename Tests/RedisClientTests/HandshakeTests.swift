import Testing

@testable import RedisClient

@Suite struct `A handshake` {
    private static let primary = RedisValue.array([.text(Array("master".utf8)), .integer(0), .array([])])
    private static let replica = RedisValue.array([.text(Array("slave".utf8))])
    private static let pong = RedisValue.text(Array("PONG".utf8))

    @Test func `says only what the configuration asks for`() throws {
        #expect(Handshake(RedisConfiguration(address: .tcp(host: "h", port: 1))).commands == [["ROLE"], ["PING"]])
        var full = try RedisConfiguration(url: "redis://mm:secret@h/2")
        full.clientName = "replica"
        #expect(
            Handshake(full).commands == [
                ["AUTH", "mm", "secret"], ["CLIENT", "SETNAME", "replica"], ["SELECT", "2"], ["ROLE"], ["PING"],
            ]
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
        #expect(handshake.objection(to: [role, ping])?.code == code)
    }

    @Test func `objects to a refused password, whatever the words, and to a refused database`() throws {
        let handshake = Handshake(try RedisConfiguration(url: "redis://:secret@h/2"))
        let ok = RedisValue.text(Array("OK".utf8))
        #expect(handshake.objection(to: [.error("ERR no idea"), ok, Self.primary, Self.pong])?.code == .noAuth)
        #expect(handshake.objection(to: [ok, .error("ERR index"), Self.primary, Self.pong])?.code == .connectFailed)
        #expect(handshake.objection(to: [ok, ok, Self.primary, Self.pong]) == nil)
    }
}

@Suite struct `The pause before connecting again` {
    @Test(arguments: [
        (RedisError.Code.connectFailed, Duration.seconds(2)), (.loading, .seconds(2)), (.connectionLost, .seconds(2)),
        (.tooManyClients, .seconds(5)), (.noAuth, .seconds(30)), (.unsupported, .seconds(30)),
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
