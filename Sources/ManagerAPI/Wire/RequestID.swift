/// The id under which a request is found in logs and answers: the caller's own when it is sane, else a new one.
enum RequestIDRule {
    static let bytesMax = 128

    static func keepOrMake(_ sent: String?) -> String {
        if let sent, Self.isSane(sent) { return sent }
        return Self.make()
    }

    /// Short and without characters that a log, a header or a page could take for something else.
    static func isSane(_ id: String) -> Bool {
        !id.isEmpty && id.utf8.count <= Self.bytesMax && id.utf8.allSatisfy(Self.isAllowed)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"):
            true
        default: "._-:/+=@~".utf8.contains(byte)
        }
    }

    private static func make() -> String {
        let halves = [UInt64.random(in: 0...(.max)), UInt64.random(in: 0...(.max))]
        return halves.map { Self.padded(String($0, radix: 16)) }.joined()
    }

    private static func padded(_ digits: String) -> String {
        String(repeating: "0", count: 16 - digits.count) + digits
    }
}
