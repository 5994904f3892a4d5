/// The few DNS messages that discovery needs (RFC 1035, RFC 2782): a question for SRV records, and its answer.
///
/// Our own, because the system's resolver answers only addresses. Answers come from the network: every length is
/// checked, names may only point backwards, so that no message is read without end, and records that are not asked for
/// are stepped over unread.
struct DNSMessage: Hashable, Sendable {
    /// Where a service listens.
    struct Target: Hashable, Sendable {
        var priority: UInt16
        var weight: UInt16
        var port: UInt16
        var host: String
    }

    /// Cut off: the same must be asked over TCP.
    var isTruncated: Bool
    /// 0 no error, 3 no such name, others mean that this server cannot tell.
    var code: UInt8
    var targets: [Target]

    static let bytesMax = 65_535
    private static let typeSRV: UInt16 = 33
    private static let classIN: UInt16 = 1

    /// Nil when the name is none that DNS can carry.
    static func question(_ name: String, id: UInt16) -> [UInt8]? {
        guard let encoded = self.encode(name) else { return nil }
        var bytes: [UInt8] = [UInt8(id >> 8), UInt8(id & 0xFF)]
        // Recursion is desired; one question.
        bytes += [0x01, 0x00, 0, 1, 0, 0, 0, 0, 0, 0]
        bytes += encoded
        bytes += [0, UInt8(self.typeSRV), 0, UInt8(self.classIN)]
        return bytes
    }

    /// Nil for bytes that are no answer to this question: whoever waits goes on waiting.
    init?(_ bytes: [UInt8], to name: String, id: UInt16) {
        var reader = Reader(bytes)
        guard let head = reader.words(6), head[0] == id, head[1] & 0x8000 != 0, head[1] & 0x7800 == 0, head[2] == 1,
            let asked = reader.name(), asked.lowercased() == Self.plain(name),
            let question = reader.words(2), question == [Self.typeSRV, Self.classIN]
        else { return nil }
        self.isTruncated = head[1] & 0x0200 != 0
        self.code = UInt8(head[1] & 0x000F)
        self.targets = []
        for _ in 0..<head[3] {
            guard let record = reader.record() else {
                if self.isTruncated { return }
                return nil
            }
            if record.type == Self.typeSRV, record.class == Self.classIN, let target = reader.target(in: record) {
                self.targets.append(target)
            }
        }
    }

    private static func plain(_ name: String) -> String {
        let lower = name.lowercased()
        return lower.hasSuffix(".") ? String(lower.dropLast()) : lower
    }

    private static func encode(_ name: String) -> [UInt8]? {
        var bytes: [UInt8] = []
        for label in self.plain(name).split(separator: ".", omittingEmptySubsequences: false) {
            guard (1...63).contains(label.utf8.count), label.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
                return nil
            }
            bytes.append(UInt8(label.utf8.count))
            bytes += label.utf8
        }
        return bytes.count < 255 ? bytes + [0] : nil
    }
}

extension DNSMessage {
    private struct Record {
        var type: UInt16
        var `class`: UInt16
        var data: Range<Int>
    }

    /// Reads from the front; nil whenever the message is too short or breaks a rule.
    private struct Reader {
        private let bytes: [UInt8]
        private var place = 0

        private static let nameBytesMax = 255

        init(_ bytes: [UInt8]) { self.bytes = bytes }

        mutating func words(_ count: Int) -> [UInt16]? {
            guard self.place + 2 * count <= self.bytes.count else { return nil }
            defer { self.place += 2 * count }
            return (0..<count).map { self.word(at: self.place + 2 * $0) }
        }

        mutating func record() -> Record? {
            // Owner, type, class, time to live (two words), length.
            guard self.name() != nil, let head = self.words(5) else { return nil }
            let end = self.place + Int(head[4])
            guard end <= self.bytes.count else { return nil }
            defer { self.place = end }
            return Record(type: head[0], class: head[1], data: self.place..<end)
        }

        /// Nil for a target that says "no such service" (the root), or whose name is not of this world.
        func target(in record: Record) -> Target? {
            guard record.data.count > 6 else { return nil }
            var reader = self
            reader.place = record.data.lowerBound
            guard let head = reader.words(3), let host = reader.name(), reader.place == record.data.upperBound,
                !host.isEmpty, head[2] > 0
            else { return nil }
            return Target(priority: head[0], weight: head[1], port: head[2], host: host)
        }

        /// Without the last dot; empty for the root.
        mutating func name() -> String? {
            var text: [UInt8] = []
            var (at, end) = (self.place, Int?.none)
            // A pointer must lead before everything that was read for this name: then the loop ends.
            var floor = self.place
            while at < self.bytes.count {
                let length = Int(self.bytes[at])
                switch length {
                case 0:
                    self.place = end ?? at + 1
                    return String(decoding: text, as: UTF8.self)
                case 1...63:
                    guard at + length < self.bytes.count, text.count + length < Self.nameBytesMax else { return nil }
                    let label = self.bytes[(at + 1)...(at + length)]
                    guard label.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: ".") }) else { return nil }
                    if !text.isEmpty { text.append(UInt8(ascii: ".")) }
                    text += label
                    at += length + 1
                case 0xC0...0xFF:
                    guard at + 1 < self.bytes.count else { return nil }
                    let target = Int(self.word(at: at) & 0x3FFF)
                    guard target < floor else { return nil }
                    end = end ?? at + 2
                    (at, floor) = (target, target)
                default: return nil
                }
            }
            return nil
        }

        private func word(at place: Int) -> UInt16 {
            UInt16(self.bytes[place]) << 8 | UInt16(self.bytes[place + 1])
        }
    }
}
