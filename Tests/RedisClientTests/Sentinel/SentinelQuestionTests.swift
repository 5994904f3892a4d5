import Testing

@testable import RedisClient

/// What sentinels answer, read.
@Suite struct `A sentinel's answer` {
    static let question = SentinelQuestion(
        RedisConfiguration(address: .sentinel(hosts: [.init(host: "s", port: 1)], primary: "m")),
        primary: "m"
    )

    static func texts(_ words: String...) -> RedisValue { .array(words.map { .text(Array($0.utf8)) }) }

    @Test func `names the primary, the epoch and the other sentinels`() throws {
        let others = RedisValue.array([
            Self.texts("ip", "10.0.0.2", "port", "26379"), Self.texts("ip", "", "port", "1"),
        ])
        let master = Self.texts("name", "m", "config-epoch", "7")
        let answer = try Self.question.answer([Self.texts("db.example", "6380"), master, others])
        #expect(answer.primary == .init(host: "db.example", port: 6380))
        #expect(answer.configEpoch == 7)
        #expect(answer.others == [.init(host: "10.0.0.2", port: 26379)], "an address that is none is left out")
    }

    @Test func `may lack what a limited user is not told`() throws {
        let denied = RedisValue.error("NOPERM this user has no permissions")
        let answer = try Self.question.answer([Self.texts("h", "1"), denied, denied])
        #expect(answer == SentinelAnswer(primary: .init(host: "h", port: 1)))
    }

    @Test(arguments: [
        (RedisValue.null, RedisError.Code.invalidConfiguration, "knows no primary 'm'"),
        (.error("NOAUTH Authentication required."), .noAuth, "?sentinel_password="),
        (texts("", "6379"), .protocolViolation, "an address that is none"),
        (texts("h", "0"), .protocolViolation, "an address that is none"),
        (texts("h"), .protocolViolation, "an address that is none"),
        (.integer(1), .protocolViolation, "an address that is none"),
    ])
    func `that is of no use is refused with the reason`(reply: RedisValue, code: RedisError.Code, reason: String) {
        let error = #expect(throws: RedisError.self) { try Self.question.answer([reply, .null, .null]) }
        #expect(error?.code == code)
        #expect(error?.message.contains(reason) == true, "\(String(describing: error))")
    }

    @Test func `comes after its password, with which it is asked`() {
        var configuration = RedisConfiguration(address: .tcp(host: "h", port: 1), user: "u", password: "primary's")
        configuration.sentinelPassword = "p"
        let question = SentinelQuestion(configuration, primary: "m")
        #expect(question.commands.first == ["AUTH", "p"], "the primary's credentials are not shown to a sentinel")
        let error = #expect(throws: RedisError.self) {
            try question.answer([.error("WRONGPASS"), .null, .null, .null])
        }
        #expect(error?.code == .noAuth)
    }

    @Test(
        arguments: [
            ("m 10.0.0.1 6379 10.0.0.2 6380", RedisAddress.SentinelHost(host: "10.0.0.2", port: 6380)),
            ("other 10.0.0.1 6379 10.0.0.2 6380", nil), ("m 10.0.0.1 6379 10.0.0.2", nil), ("", nil),
        ] as [(String, RedisAddress.SentinelHost?)]
    )
    func `to everybody says where the primary went`(message: String, server: RedisAddress.SentinelHost?) {
        #expect(Self.question.newPrimary(in: message) == server)
    }
}
