/// The byte classes of HTTP heads (RFC 9110 section 5.6.2) and the searches the parsers share.
///
/// Every index is compared with `count` here, because an `UnsafeRawBufferPointer` checks none in a release build.
enum HeaderBytes {
    static let carriageReturn = UInt8(ascii: "\r")
    static let lineFeed = UInt8(ascii: "\n")
    static let space = UInt8(ascii: " ")
    static let tab = UInt8(ascii: "\t")
    static let colon = UInt8(ascii: ":")

    /// A character of a header's name. The two constants hold one bit for each character below 64 and below 128.
    @inline(__always)
    static func isToken(_ byte: UInt8) -> Bool {
        let low: UInt64 = 0x03FF_6CFA_0000_0000
        let high: UInt64 = 0x57FF_FFFF_C7FF_FFFE
        guard byte < 128 else { return false }
        return ((byte < 64 ? low : high) >> UInt64(byte & 63)) & 1 == 1
    }

    /// A character of a path or query (RFC 3986); all others have no business in a target.
    @inline(__always)
    static func isTarget(_ byte: UInt8) -> Bool {
        let low: UInt64 = 0xAFFF_FFF2_0000_0000
        let high: UInt64 = 0x47FF_FFFE_87FF_FFFF
        guard byte < 128 else { return false }
        return ((byte < 64 ? low : high) >> UInt64(byte & 63)) & 1 == 1
    }

    /// A character of a `Host` value: names, addresses, a port.
    @inline(__always)
    static func isHost(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "["),
            UInt8(ascii: "]"):
            true
        default: false
        }
    }

    /// The first index from `start` whose byte is a control character, DEL or beyond ASCII; `count` when there is none.
    ///
    /// Eight bytes at a time: a byte is flagged by the top bit of its lane. Borrows and carries between lanes come only
    /// from lanes that are flagged themselves, so the lowest flag is exact.
    @inline(__always)
    static func plainEnd(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var index = start
        while index &+ 8 <= bytes.count {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let below = (word &- 0x2020_2020_2020_2020) & ~word
            let flags = (below | word | (word &+ 0x0101_0101_0101_0101)) & 0x8080_8080_8080_8080
            if flags != 0 { return index &+ flags.trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < bytes.count, bytes[index] >= 0x20, bytes[index] < 0x7F { index &+= 1 }
        return index
    }

    /// Whether the range holds `lowercased`, in any case. `lowercased` has only letters, digits and hyphens and the range
    /// only bytes from 0x20 to 0x7E: then no other byte turns into one of them by setting bit 5.
    @inline(__always)
    static func equals(_ bytes: UnsafeRawBufferPointer, _ range: ByteRange, _ lowercased: StaticString) -> Bool {
        guard range.count == lowercased.utf8CodeUnitCount, range.end <= bytes.count else { return false }
        let expected = lowercased.utf8Start
        var index = 0
        while index < range.count {
            if bytes[range.offset &+ index] | 0x20 != expected[index] { return false }
            index &+= 1
        }
        return true
    }

    /// Whether the range holds `text`, byte for byte: for paths, where case counts.
    @inline(__always)
    static func isExactly(_ bytes: UnsafeRawBufferPointer, _ range: ByteRange, _ text: StaticString) -> Bool {
        guard range.count == text.utf8CodeUnitCount, range.end <= bytes.count else { return false }
        let expected = text.utf8Start
        var index = 0
        while index < range.count {
            if bytes[range.offset &+ index] != expected[index] { return false }
            index &+= 1
        }
        return true
    }

    /// Whether two names are the same in any case. Both have only token characters.
    static func equalsIgnoringCase(_ bytes: UnsafeRawBufferPointer, _ left: ByteRange, _ right: ByteRange) -> Bool {
        guard left.count == right.count, left.end <= bytes.count, right.end <= bytes.count else { return false }
        for offset in 0..<left.count
        where self.lowercased(bytes[left.offset + offset]) != self.lowercased(bytes[right.offset + offset]) {
            return false
        }
        return true
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z") ? byte | 0x20 : byte
    }

    /// A decimal number of 1 to 18 digits and nothing else; -1 when the range holds anything else.
    @inline(__always)
    static func decimal(_ bytes: UnsafeRawBufferPointer, _ range: ByteRange) -> Int {
        guard range.count >= 1, range.count <= 18, range.end <= bytes.count else { return -1 }
        var number = 0
        var index = range.offset
        while index < range.end {
            let digit = bytes[index] &- UInt8(ascii: "0")
            guard digit <= 9 else { return -1 }
            number = number &* 10 &+ Int(digit)
            index &+= 1
        }
        return number
    }

    /// The range without blanks and tabs on either side.
    @inline(__always)
    static func trimmed(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) -> ByteRange {
        var first = start
        var last = end
        while first < last, bytes[first] == self.space || bytes[first] == self.tab { first &+= 1 }
        while last > first, bytes[last &- 1] == self.space || bytes[last &- 1] == self.tab { last &-= 1 }
        return ByteRange(from: first, to: last)
    }
}
