/// Skips the bulk of an array of numbers, 64 bytes at a time.
///
/// The bodies of predictions are mostly numbers such as `-0.25, 12, 3.75`. Their grammar is so simple that masks of
/// byte classes check it without a branch per byte: each class may follow only certain others, and a carry that
/// ripples from a point to the next comma meets every second point. The run never judges: at the first byte it does
/// not like (an exponent, a bracket, a fault) it ends behind the last comma before it, and the scanner goes on there.
enum NumberRun {
    /// Where to go on: behind the last comma of the longest run of plain numbers, each followed by a comma, that begins
    /// at `start`, which must be where a value is expected. `start` itself when there is none.
    @inline(__always)
    static func end(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Int {
        var state = Carry()
        var safe = start
        var offset = start
        while let block = ByteBlock(bytes, at: offset) {
            let commas = block.equal(to: UInt8(ascii: ","))
            let faults = state.faults(in: block, commas: commas)
            // Only what stands before the first fault counts.
            let clean = faults == 0 ? UInt64.max : (faults & (0 &- faults)) &- 1
            let last = 63 &- (commas & clean).leadingZeroBitCount
            if last >= 0 { safe = offset &+ last &+ 1 }
            guard faults == 0 else { break }
            offset &+= ByteBlock.count
        }
        return safe
    }

    /// What the end of one block means to the beginning of the next: one bit for each class of its last byte.
    private struct Carry {
        private var gap: UInt64 = 1
        private var sign: UInt64 = 0
        private var digit: UInt64 = 0
        private var firstDigit: UInt64 = 0
        private var leadingZero: UInt64 = 0
        private var seenPoint = false

        /// The bytes that must not stand where they stand; only the lowest bit is meaningful.
        @inline(__always)
        mutating func faults(in block: ByteBlock, commas: UInt64) -> UInt64 {
            let digits = block.digits
            let points = block.equal(to: UInt8(ascii: "."))
            let signs = block.equal(to: UInt8(ascii: "-"))
            let blanks = block.equal(to: UInt8(ascii: " ")) | block.equal(to: UInt8(ascii: "\n"))
            let gaps = commas | blanks
            let afterGap = gaps &<< 1 | self.gap
            let afterDigit = digits &<< 1 | self.digit
            var faults = ~(digits | points | signs | gaps)
            faults |= (signs | blanks) & ~afterGap
            faults |= (points | commas) & ~afterDigit
            faults |= self.secondPoints(points, commas)
            faults |= self.digitsAfterLeadingZero(block, digits, afterStart: afterGap | signs &<< 1 | self.sign)
            self.gap = gaps &>> 63
            self.sign = signs &>> 63
            self.digit = digits &>> 63
            return faults
        }

        /// A point with another one between it and the comma before. Adding the points to all that is no comma starts
        /// at each point a carry that ends at the next comma; a point that a carry passes keeps its bit.
        @inline(__always)
        private mutating func secondPoints(_ points: UInt64, _ commas: UInt64) -> UInt64 {
            let (sum, overflow) = (~commas).addingReportingOverflow(points)
            let (total, carried) = sum.addingReportingOverflow(self.seenPoint ? 1 : 0)
            self.seenPoint = overflow || carried
            return total & points
        }

        @inline(__always)
        private mutating func digitsAfterLeadingZero(_ block: ByteBlock, _ digits: UInt64, afterStart: UInt64) -> UInt64
        {
            let firsts = digits & afterStart
            let seconds = digits & (firsts &<< 1 | self.firstDigit)
            self.firstDigit = firsts &>> 63
            let wasLeadingZero = self.leadingZero
            // Most integer parts have one digit: the zeros matter only when one has more, or at the block's end.
            guard seconds != 0 || self.firstDigit != 0 else {
                self.leadingZero = 0
                return 0
            }
            let leadingZeros = firsts & block.equal(to: UInt8(ascii: "0"))
            self.leadingZero = leadingZeros &>> 63
            return seconds & (leadingZeros &<< 1 | wasLeadingZero)
        }
    }
}
