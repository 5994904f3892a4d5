import ManagerTesting
import NIOCore
import Testing

@testable import RedisClient

@Suite struct `A reply decoder` {
    @Test(arguments: [
        ("+OK\r\n", RedisValue.text(Array("OK".utf8))),
        ("-ERR no\r\n", .error("ERR no")),
        (":-42\r\n", .integer(-42)),
        (":9223372036854775807\r\n", .integer(.max)),
        ("$0\r\n\r\n", .text([])),
        ("$4\r\na\r\nb\r\n", .text(Array("a\r\nb".utf8))),
        ("$-1\r\n", .null),
        ("*-1\r\n", .null),
        ("*0\r\n", .array([])),
        ("*2\r\n:1\r\n*2\r\n$-1\r\n*0\r\n", .array([.integer(1), .array([.null, .array([])])])),
        ("*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:8\r\n", Self.nested(8, .integer(8))),
        ("*3\r\n-ERR a\r\n+b\r\n$1\r\nc\r\n", .array([.error("ERR a"), .text([98]), .text([99])])),
    ])
    func `reads a reply wherever it is cut`(bytes: String, value: RedisValue) throws {
        let bytes = Array(bytes.utf8)
        for cut in 0...bytes.count {
            let decoder = ReplyDecoder()
            decoder.feed(ByteBuffer(bytes: bytes[..<cut]))
            let early = try decoder.next()
            #expect(early == (cut == bytes.count ? value : nil))
            decoder.feed(ByteBuffer(bytes: bytes[cut...]))
            #expect(try decoder.next() == (early == nil ? value : nil))
            #expect(try decoder.next() == nil)
        }
    }

    @Test(arguments: [
        "%1\r\n+a\r\n+b\r\n", ">1\r\n+a\r\n", "_\r\n", "#t\r\n", ",1.5\r\n", "HTTP/1.1 400 Bad Request\r\n",
        ":12x\r\n", ":9223372036854775808\r\n", "$-2\r\n", "*-2\r\n", "\0\r\n",
        "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:9\r\n",
    ])
    func `refuses what is no reply, for good`(bytes: String) {
        let decoder = ReplyDecoder()
        decoder.feed(ByteBuffer(string: bytes))
        let error = #expect(throws: RedisError.self) { try decoder.next() }
        #expect(error?.code == .protocolViolation)
        decoder.feed(ByteBuffer(string: "+OK\r\n"))
        #expect(throws: RedisError.self) { try decoder.next() }
    }

    @Test func `allocates nothing for elements that are only announced`() throws {
        let decoder = ReplyDecoder(limits: ReplyLimits(elementsMax: .max))
        decoder.feed(ByteBuffer(string: "*2147483646\r\n"))
        #expect(try decoder.next() == nil)
    }

    @Test(arguments: ["*1000001\r\n", "*2\r\n*999999\r\n", "*2147483647\r\n", "*777777772\r\n"])
    func `refuses more elements than a reply may have`(header: String) {
        let decoder = ReplyDecoder()
        decoder.feed(ByteBuffer(string: header))
        let error = #expect(throws: RedisError.self) { try decoder.next() }
        #expect(error?.message.contains("1000000 elements") == true)
    }

    @Test func `refuses more bytes than a reply may have, in one text or in many`() throws {
        let limits = ReplyLimits(replyBytesMax: 100_000)
        let one = ReplyDecoder(limits: limits)
        one.feed(ByteBuffer(string: "$9223372036854775807\r\n" + String(repeating: "x", count: 90_000)))
        #expect(try one.next() == nil)
        one.feed(ByteBuffer(string: String(repeating: "x", count: 20_000)))
        #expect(throws: RedisError.self) { try one.next() }

        let many = ReplyDecoder(limits: limits)
        let text = "$9000\r\n" + String(repeating: "x", count: 9_000) + "\r\n"
        many.feed(ByteBuffer(string: "*20\r\n" + String(repeating: text, count: 11)))
        #expect(try many.next() == nil)
        many.feed(ByteBuffer(string: text))
        #expect(throws: RedisError.self) { try many.next() }
    }

    @Test func `counts the limits anew for each reply`() throws {
        let decoder = ReplyDecoder(limits: ReplyLimits(replyBytesMax: 20_000, elementsMax: 3))
        let text = "*3\r\n" + String(repeating: "$5000\r\n" + String(repeating: "x", count: 5_000) + "\r\n", count: 3)
        for _ in 0..<50 {
            decoder.feed(ByteBuffer(string: text))
            #expect(try decoder.next()?.array?.count == 3)
        }
    }

    @Test func `reads any reply cut anywhere`() throws {
        var random = SeededRandom.announced()
        for _ in 0..<400 {
            let values = (0..<Int.random(in: 1...5, using: &random)).map { _ in RedisValue.random(3, &random) }
            let bytes = values.flatMap { $0.encoded }
            let decoder = ReplyDecoder()
            var read: [RedisValue] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 1...max(1, min(rest.count, 40)), using: &random)
                decoder.feed(ByteBuffer(bytes: rest.prefix(count)))
                rest = rest.dropFirst(count)
                while let value = try decoder.next() { read.append(value) }
            }
            try #require(read == values, "seed \(random.seed)")
        }
    }

    @Test func `survives any bytes`() {
        var random = SeededRandom.announced()
        let alphabet = Array("+-:$*%\r\n0123456789aE".utf8)
        for _ in 0..<4_000 {
            let valid = RedisValue.random(3, &random).encoded
            var bytes = Bool.random(using: &random) ? valid : []
            for _ in 0..<Int.random(in: 1...12, using: &random) {
                let byte =
                    Bool.random(using: &random)
                    ? alphabet.randomElement(using: &random) : .random(in: 0...255, using: &random)
                let index = Int.random(in: 0...bytes.count, using: &random)
                bytes.insert(byte ?? 0, at: index)
            }
            let decoder = ReplyDecoder(limits: ReplyLimits(replyBytesMax: 4_096, elementsMax: 1_000))
            let cut = Int.random(in: 0...bytes.count, using: &random)
            for piece in [bytes[..<cut], bytes[cut...]] {
                decoder.feed(ByteBuffer(bytes: piece))
                while let value = try? decoder.next() { #expect(value.depth <= 9) }
            }
        }
    }

    private static func nested(_ depth: Int, _ value: RedisValue) -> RedisValue {
        depth == 0 ? value : .array([nested(depth - 1, value)])
    }
}

extension RedisValue {
    /// As a server would send it.
    fileprivate var encoded: [UInt8] {
        switch self {
        case .null: Array("$-1\r\n".utf8)
        case .integer(let number): Array(":\(number)\r\n".utf8)
        case .text(let bytes): Array("$\(bytes.count)\r\n".utf8) + bytes + Array("\r\n".utf8)
        case .error(let text): Array("-\(text)\r\n".utf8)
        case .array(let values): Array("*\(values.count)\r\n".utf8) + values.flatMap(\.encoded)
        }
    }

    fileprivate var depth: Int {
        guard case .array(let values) = self else { return 0 }
        return 1 + (values.map(\.depth).max() ?? 0)
    }

    fileprivate static func random(_ depth: Int, _ random: inout SeededRandom) -> RedisValue {
        switch Int.random(in: 0...(depth > 0 ? 6 : 4), using: &random) {
        case 0: .null
        case 1: .integer(.random(in: .min ... .max, using: &random))
        case 2: .error("ERR \(UInt32.random(in: 0...UInt32.max, using: &random))")
        case 3: .text((0..<Int.random(in: 0...30, using: &random)).map { _ in .random(in: 0...255, using: &random) })
        case 4: .text(Array(repeating: 13, count: Int.random(in: 0...40_000, using: &random) / 100))
        default: .array((0..<Int.random(in: 0...5, using: &random)).map { _ in .random(depth - 1, &random) })
        }
    }
}
