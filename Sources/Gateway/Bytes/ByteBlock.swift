#if arch(x86_64)
    // The compiler's own vector instructions: the standard library's SIMD types compare lane by lane.
    import _Builtin_intrinsics.intel.sse2
#endif

/// 64 bytes looked at together: each question gives a mask with one bit for each byte, the first in the lowest.
///
/// On x86-64 with the vector instructions every such processor has, elsewhere with `PortableByteBlock`; a test holds
/// the two against each other.
struct ByteBlock {
    static let count = 64

    #if arch(x86_64)
        private let first: SIMD2<Int64>
        private let second: SIMD2<Int64>
        private let third: SIMD2<Int64>
        private let fourth: SIMD2<Int64>

        /// Nil when the 64 bytes at `offset` do not all lie inside `bytes`.
        @inline(__always)
        init?(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
            guard offset >= 0, offset <= bytes.count &- Self.count else { return nil }
            self.first = bytes.loadUnaligned(fromByteOffset: offset, as: SIMD2<Int64>.self)
            self.second = bytes.loadUnaligned(fromByteOffset: offset &+ 16, as: SIMD2<Int64>.self)
            self.third = bytes.loadUnaligned(fromByteOffset: offset &+ 32, as: SIMD2<Int64>.self)
            self.fourth = bytes.loadUnaligned(fromByteOffset: offset &+ 48, as: SIMD2<Int64>.self)
        }

        @inline(__always)
        func equal(to byte: UInt8) -> UInt64 {
            let wanted = _mm_set1_epi8(CChar(bitPattern: byte))
            return Self.mask(
                _mm_cmpeq_epi8(self.first, wanted),
                _mm_cmpeq_epi8(self.second, wanted),
                _mm_cmpeq_epi8(self.third, wanted),
                _mm_cmpeq_epi8(self.fourth, wanted)
            )
        }

        @inline(__always)
        var digits: UInt64 {
            Self.mask(
                Self.digits(self.first),
                Self.digits(self.second),
                Self.digits(self.third),
                Self.digits(self.fourth)
            )
        }

        @inline(__always)
        private static func digits(_ vector: SIMD2<Int64>) -> SIMD2<Int64> {
            let value = _mm_sub_epi8(vector, _mm_set1_epi8(0x30))
            return _mm_cmpeq_epi8(_mm_min_epu8(value, _mm_set1_epi8(9)), value)
        }

        @inline(__always)
        private static func mask(_ a: SIMD2<Int64>, _ b: SIMD2<Int64>, _ c: SIMD2<Int64>, _ d: SIMD2<Int64>) -> UInt64 {
            let low = UInt32(bitPattern: _mm_movemask_epi8(a)) | UInt32(bitPattern: _mm_movemask_epi8(b)) &<< 16
            let high = UInt32(bitPattern: _mm_movemask_epi8(c)) | UInt32(bitPattern: _mm_movemask_epi8(d)) &<< 16
            return UInt64(low) | UInt64(high) &<< 32
        }
    #else
        private let block: PortableByteBlock

        /// Nil when the 64 bytes at `offset` do not all lie inside `bytes`.
        @inline(__always)
        init?(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
            guard let block = PortableByteBlock(bytes, at: offset) else { return nil }
            self.block = block
        }

        @inline(__always) func equal(to byte: UInt8) -> UInt64 { self.block.equal(to: byte) }
        @inline(__always) var digits: UInt64 { self.block.digits }
    #endif

    /// The first index from `start` that holds what a plain run inside a JSON string cannot: a quote, a backslash, a
    /// control character or a byte beyond ASCII. `count` when there is none.
    @inline(__always)
    static func plainStringEnd(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var index = start
        #if arch(x86_64)
            while index <= bytes.count &- 16 {
                let vector = bytes.loadUnaligned(fromByteOffset: index, as: SIMD2<Int64>.self)
                let quotes = _mm_cmpeq_epi8(vector, _mm_set1_epi8(0x22))
                let backslashes = _mm_cmpeq_epi8(vector, _mm_set1_epi8(0x5C))
                let others = _mm_cmplt_epi8(vector, _mm_set1_epi8(0x20))  // signed: bytes beyond ASCII are negative
                let mask = _mm_movemask_epi8(_mm_or_si128(_mm_or_si128(quotes, backslashes), others))
                if mask != 0 { return index &+ mask.trailingZeroBitCount }
                index &+= 16
            }
        #endif
        return PortableByteBlock.plainStringEnd(bytes, from: index)
    }
}
