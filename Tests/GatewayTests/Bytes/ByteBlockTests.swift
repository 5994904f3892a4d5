import ManagerTesting
import Testing

@testable import Gateway

@Suite struct `A block of bytes` {
    @Test(arguments: SeededRandom.runs(1))
    func `answers alike with and without vector instructions`(seed: SeededRandom) throws {
        var random = seed
        for _ in 0..<500 {
            let bytes = (0..<100).map { _ in UInt8.random(in: 0...255, using: &random) }
            let offset = Int.random(in: 0...36, using: &random)
            try bytes.withUnsafeBytes { buffer in
                let fast = try #require(ByteBlock(buffer, at: offset))
                let portable = try #require(PortableByteBlock(buffer, at: offset))
                for byte in [bytes[offset], bytes[offset + 63], 0, 0x2C, 0x80, 0xFF] {
                    let expected = Self.mask(bytes, offset) { $0 == byte }
                    #expect(fast.equal(to: byte) == expected && portable.equal(to: byte) == expected, "\(seed)")
                }
                let digits = Self.mask(bytes, offset) { $0 >= 0x30 && $0 <= 0x39 }
                #expect(fast.digits == digits && portable.digits == digits, "\(seed)")
            }
        }
    }

    @Test func `must lie inside the buffer`() {
        let bytes = [UInt8](repeating: 0x31, count: 70)
        bytes.withUnsafeBytes { buffer in
            #expect(ByteBlock(buffer, at: 6) != nil && PortableByteBlock(buffer, at: 6) != nil)
            #expect(ByteBlock(buffer, at: 7) == nil && PortableByteBlock(buffer, at: 7) == nil)
            #expect(ByteBlock(buffer, at: -1) == nil && PortableByteBlock(buffer, at: -1) == nil)
        }
    }

    @Test func `ends a plain string at every byte that cannot stand in one`() {
        for special in UInt8.min...UInt8.max {
            for place in [0, 7, 8, 15, 16, 30] {
                var bytes = [UInt8](repeating: UInt8(ascii: "a"), count: 40)
                bytes[place] = special
                let isPlain = special >= 0x20 && special < 0x80 && special != 0x22 && special != 0x5C
                bytes.withUnsafeBytes { buffer in
                    let expected = isPlain ? 40 : place
                    #expect(ByteBlock.plainStringEnd(buffer, from: 0) == expected)
                    #expect(PortableByteBlock.plainStringEnd(buffer, from: 0) == expected)
                }
            }
        }
    }

    @Test(arguments: [
        ("1,2,", 4), ("1.5, -2,", 8), ("1.5.5,2,", 0), ("1,01,", 2), ("1,0,", 4), ("-0.5,-1,", 8), ("1, 2,3e5,4,", 5),
        ("1 ,2,", 0), ("1,--2,", 2), ("1,2.,3,", 2), ("1,.2,", 2), ("1,2],", 2), ("x", 0), ("1,\n  2,", 7), ("1,,2", 2),
        ("1,-,2,", 2), ("1,2 3,", 2), ("00,", 0), ("-01,", 0), ("10,100,0.0,", 11),
    ])
    func `of numbers is skipped behind its last good comma`(text: String, end: Int) {
        let bytes = Array((text + String(repeating: "]", count: 80)).utf8)
        #expect(bytes.withUnsafeBytes { NumberRun.end($0, from: 0) } == end)
    }

    @Test func `of numbers carries what it saw over its edge`() {
        for lead in 50..<70 {
            for (tail, isGood) in [
                ("1.5.5,", false), ("1.5,", true), ("05,", false), ("0,", true), ("-5,", true), ("--5,", false),
            ] {
                let text = String(repeating: "1,", count: lead / 2) + (lead % 2 == 1 ? " " : "") + tail
                let bytes = Array((text + String(repeating: "]", count: 80)).utf8)
                let expected = isGood ? text.utf8.count : lead / 2 * 2
                let end = bytes.withUnsafeBytes { NumberRun.end($0, from: 0) }
                #expect(end == expected, "\(lead) \(tail)")
            }
        }
    }

    private static func mask(_ bytes: [UInt8], _ offset: Int, _ isMember: (UInt8) -> Bool) -> UInt64 {
        (0..<64).reduce(0) { $0 | (isMember(bytes[offset + $1]) ? 1 << UInt64($1) : 0) }
    }
}
