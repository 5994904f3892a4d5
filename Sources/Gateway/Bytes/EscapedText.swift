/// The text behind a JSON string that was found valid and to have escapes. Off the common path: few names need them.
enum EscapedText {
    /// Whether the text is `expected`, which is plain ASCII.
    static func equals(_ raw: UnsafeRawBufferPointer, _ expected: StaticString) -> Bool {
        var index = 0
        for place in 0..<expected.utf8CodeUnitCount {
            guard let unit = self.unit(raw, at: &index), unit == UInt16(expected.utf8Start[place]) else { return false }
        }
        return index == raw.count
    }

    /// Nil when an escaped surrogate has no partner.
    static func text(of raw: UnsafeRawBufferPointer) -> String? {
        var bytes: [UInt8] = []
        var index = 0
        while index < raw.count {
            guard raw[index] == UInt8(ascii: "\\") else {
                bytes.append(raw[index])
                index += 1
                continue
            }
            guard let unit = self.unit(raw, at: &index) else { return nil }
            guard let scalar = self.scalar(unit, raw, at: &index) else { return nil }
            bytes.append(contentsOf: Array(String(Character(scalar)).utf8))
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    static func hexadecimal(_ byte: UInt8) -> UInt16? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt16(byte &- UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt16(byte &- UInt8(ascii: "a") &+ 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt16(byte &- UInt8(ascii: "A") &+ 10)
        default: nil
        }
    }

    private static func scalar(_ unit: UInt16, _ raw: UnsafeRawBufferPointer, at index: inout Int) -> Unicode.Scalar? {
        guard unit & 0xFC00 == 0xD800 else { return Unicode.Scalar(unit) }
        guard index < raw.count, raw[index] == UInt8(ascii: "\\"), let low = self.unit(raw, at: &index),
            low & 0xFC00 == 0xDC00
        else { return nil }
        return Unicode.Scalar(0x1_0000 + (UInt32(unit & 0x3FF) << 10 | UInt32(low & 0x3FF)))
    }

    /// The UTF-16 unit of the escape, or the single byte, that begins at `index`.
    private static func unit(_ raw: UnsafeRawBufferPointer, at index: inout Int) -> UInt16? {
        guard index < raw.count else { return nil }
        guard raw[index] == UInt8(ascii: "\\") else {
            index += 1
            return UInt16(raw[index - 1])
        }
        guard index + 1 < raw.count else { return nil }
        let letter = raw[index + 1]
        index += 2
        switch letter {
        case UInt8(ascii: "b"): return 0x08
        case UInt8(ascii: "f"): return 0x0C
        case UInt8(ascii: "n"): return 0x0A
        case UInt8(ascii: "r"): return 0x0D
        case UInt8(ascii: "t"): return 0x09
        case UInt8(ascii: "u"): break
        default: return UInt16(letter)
        }
        guard index + 4 <= raw.count else { return nil }
        var unit: UInt16 = 0
        for _ in 0..<4 {
            guard let digit = self.hexadecimal(raw[index]) else { return nil }
            unit = unit << 4 | digit
            index += 1
        }
        return unit
    }
}
