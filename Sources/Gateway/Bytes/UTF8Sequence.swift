/// One character beyond ASCII in UTF-8 (RFC 3629): no overlong forms, no surrogates, nothing above U+10FFFF.
enum UTF8Sequence {
    enum Length: Equatable {
        case valid(Int)
        /// The bytes end before the character does; so far it may become valid.
        case cut
        case invalid
    }

    @inline(__always)
    static func length(_ bytes: UnsafeRawBufferPointer, at start: Int) -> Length {
        guard start >= 0, start < bytes.count else { return .cut }
        let first = bytes[start]
        let (length, secondMin, secondMax): (Int, UInt8, UInt8)
        switch first {
        case 0xC2...0xDF: (length, secondMin, secondMax) = (2, 0x80, 0xBF)
        case 0xE0: (length, secondMin, secondMax) = (3, 0xA0, 0xBF)
        case 0xED: (length, secondMin, secondMax) = (3, 0x80, 0x9F)
        case 0xE1...0xEF: (length, secondMin, secondMax) = (3, 0x80, 0xBF)
        case 0xF0: (length, secondMin, secondMax) = (4, 0x90, 0xBF)
        case 0xF1...0xF3: (length, secondMin, secondMax) = (4, 0x80, 0xBF)
        case 0xF4: (length, secondMin, secondMax) = (4, 0x80, 0x8F)
        default: return .invalid
        }
        guard start &+ 1 < bytes.count else { return .cut }
        guard bytes[start &+ 1] >= secondMin, bytes[start &+ 1] <= secondMax else { return .invalid }
        var offset = 2
        while offset < length {
            guard start &+ offset < bytes.count else { return .cut }
            guard bytes[start &+ offset] & 0xC0 == 0x80 else { return .invalid }
            offset &+= 1
        }
        return .valid(length)
    }
}
