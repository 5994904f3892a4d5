/// What `ByteBlock` does, on any processor: eight bytes at a time in a 64-bit register.
struct PortableByteBlock {
    private typealias Words = (UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64, UInt64)
    private let words: Words

    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let tops: UInt64 = 0x8080_8080_8080_8080

    /// Nil when the 64 bytes at `offset` do not all lie inside `bytes`.
    @inline(__always)
    init?(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
        guard offset >= 0, offset <= bytes.count &- ByteBlock.count else { return nil }
        func word(_ place: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset &+ place &* 8, as: UInt64.self))
        }
        self.words = (word(0), word(1), word(2), word(3), word(4), word(5), word(6), word(7))
    }

    @inline(__always)
    func equal(to byte: UInt8) -> UInt64 {
        let wanted = Self.ones &* UInt64(byte)
        return self.mask { Self.zeroes($0 ^ wanted) }
    }

    @inline(__always)
    var digits: UInt64 {
        self.mask { word in
            let low = word & ~Self.tops
            return (low &+ Self.ones &* 0x50) & ~(low &+ Self.ones &* 0x46) & ~word & Self.tops
        }
    }

    /// The top bit of each lane that is zero; exact, no lane reaches into the next.
    @inline(__always)
    private static func zeroes(_ word: UInt64) -> UInt64 {
        ~((word & ~self.tops) &+ ~self.tops | word) & self.tops
    }

    @inline(__always)
    private func mask(_ flags: (UInt64) -> UInt64) -> UInt64 {
        Self.gathered(flags(self.words.0)) | Self.gathered(flags(self.words.1)) &<< 8
            | Self.gathered(flags(self.words.2)) &<< 16 | Self.gathered(flags(self.words.3)) &<< 24
            | Self.gathered(flags(self.words.4)) &<< 32 | Self.gathered(flags(self.words.5)) &<< 40
            | Self.gathered(flags(self.words.6)) &<< 48 | Self.gathered(flags(self.words.7)) &<< 56
    }

    /// Eight top bits as one byte, the lowest lane first.
    @inline(__always)
    private static func gathered(_ flags: UInt64) -> UInt64 {
        ((flags &>> 7) &* 0x0102_0408_1020_4080) &>> 56
    }

    /// See `ByteBlock.plainStringEnd`. The lowest flag is exact: only flagged lanes reach into the next.
    @inline(__always)
    static func plainStringEnd(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var index = start
        while index <= bytes.count &- 8 {
            let word = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            let controls = (word &- self.ones &* 0x20) & ~word
            let quotes = self.zeroes(word ^ self.ones &* 0x22)
            let flags = (controls | word | quotes | self.zeroes(word ^ self.ones &* 0x5C)) & self.tops
            if flags != 0 { return index &+ flags.trailingZeroBitCount / 8 }
            index &+= 8
        }
        while index < bytes.count, Self.isPlain(bytes[index]) { index &+= 1 }
        return index
    }

    @inline(__always)
    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x80 && byte != 0x22 && byte != 0x5C
    }
}
