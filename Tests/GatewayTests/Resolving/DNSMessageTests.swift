import ManagerTesting
import Testing

@testable import Gateway

@Suite struct `A DNS message` {
    static let name = "_http._tcp.models.example"

    /// An answer with two records, the second one's target by pointer into the question.
    static func answer(id: UInt16 = 7, flags: UInt16 = 0x8180) throws -> [UInt8] {
        var bytes = try #require(DNSMessage.question(Self.name, id: id))
        (bytes[2], bytes[3], bytes[7]) = (UInt8(flags >> 8), UInt8(flags & 0xFF), 2)
        bytes += [0xC0, 12, 0, 33, 0, 1, 0, 0, 0, 30, 0, 10, 0, 1, 0, 5, 0x1F, 0x40, 1, 0x61, 0xC0, 23]
        bytes += [0xC0, 12, 0, 33, 0, 1, 0, 0, 0, 30, 0, 8, 0, 0, 0, 5, 0x1F, 0x41, 0xC0, 23]
        return bytes
    }

    @Test func `asks one question with recursion`() throws {
        let bytes = try #require(DNSMessage.question("_a._b.C.", id: 0x1234))
        let expected: [UInt8] = [
            0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 2, 0x5F, 0x61, 2, 0x5F, 0x62, 1, 0x63, 0, 0, 33, 0, 1,
        ]
        #expect(bytes == expected)
    }

    @Test(arguments: ["", "a..b", String(repeating: "a", count: 64), String(repeating: "a.", count: 128), "a b"])
    func `cannot ask for what is no name`(name: String) {
        #expect(DNSMessage.question(name, id: 1) == nil)
    }

    @Test func `gives targets, also through pointers`() throws {
        let message = try #require(DNSMessage(try Self.answer(), to: Self.name, id: 7))
        #expect(message.targets.map(\.host) == ["a.models.example", "models.example"])
        #expect(message.targets.map(\.port) == [8000, 8001])
        #expect(message.targets.map(\.priority) == [1, 0])
        #expect(!message.isTruncated && message.code == 0)
    }

    @Test func `answers only its own question`() throws {
        let bytes = try Self.answer()
        #expect(DNSMessage(bytes, to: Self.name, id: 8) == nil)
        #expect(DNSMessage(bytes, to: "_http._tcp.other.example", id: 7) == nil)
        #expect(DNSMessage(bytes, to: Self.name.uppercased() + ".", id: 7) != nil)
        #expect(DNSMessage(try Self.answer(flags: 0x0180), to: Self.name, id: 7) == nil, "a question is no answer")
    }

    @Test func `says that it is cut off, or that the name does not exist`() throws {
        #expect(DNSMessage(try Self.answer(flags: 0x8380), to: Self.name, id: 7)?.isTruncated == true)
        #expect(DNSMessage(try Self.answer(flags: 0x8183), to: Self.name, id: 7)?.code == 3)
    }

    @Test func `is nothing when it is cut anywhere`() throws {
        let bytes = try Self.answer()
        for end in 0..<bytes.count { #expect(DNSMessage(Array(bytes[..<end]), to: Self.name, id: 7) == nil, "\(end)") }
    }

    @Test func `ends for a name that points at itself or forward`() throws {
        for target in [UInt8(43), 44, 60] {
            var bytes = try Self.answer()
            (bytes[43], bytes[44]) = (0xC0, target)
            #expect(DNSMessage(bytes, to: Self.name, id: 7) == nil, "\(target)")
        }
    }

    @Test(arguments: SeededRandom.runs(1)) func `never crashes, whatever the bytes`(seed: SeededRandom) throws {
        var random = seed
        let good = try Self.answer()
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...6, using: &random) {
                let place = Int.random(in: 0..<bytes.count, using: &random)
                bytes[place] = UInt8.random(in: .min ... .max, using: &random)
            }
            if Bool.random(using: &random) { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
            guard let message = DNSMessage(bytes, to: Self.name, id: 7) else { continue }
            #expect(message.targets.allSatisfy { !$0.host.isEmpty && $0.host.utf8.count < 256 && $0.port > 0 })
        }
    }
}

@Suite struct `The resolver's configuration` {
    @Test func `names servers, search domains and dots`() {
        let text = """
            # comment
            nameserver 10.0.0.53
            nameserver\tfd00::53
            search default.svc.cluster.local svc.cluster.local
            options ndots:5 timeout:1
            """
        let configuration = ResolverConfiguration(text)
        #expect(configuration.servers == ["10.0.0.53", "fd00::53"])
        #expect(
            configuration.candidates(for: "_http._tcp.lstm") == [
                "_http._tcp.lstm.default.svc.cluster.local", "_http._tcp.lstm.svc.cluster.local", "_http._tcp.lstm",
            ]
        )
        #expect(configuration.candidates(for: "_http._tcp.lstm.") == ["_http._tcp.lstm."])
        #expect(ResolverConfiguration("").servers == ["127.0.0.1"])
        #expect(ResolverConfiguration("search x").candidates(for: "_a._b.c") == ["_a._b.c", "_a._b.c.x"])
    }
}
