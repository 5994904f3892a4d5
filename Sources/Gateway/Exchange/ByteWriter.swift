/// Writes pieces of a message head one behind the other into memory that was made large enough beforehand.
///
/// Invariant: never writes beyond its target; what does not fit is dropped and `fits` turns false, which callers that
/// computed the size take for a programming error.
struct ByteWriter {
    private let target: UnsafeMutableRawBufferPointer
    private(set) var count: Int
    private(set) var fits = true

    @inline(__always)
    init(_ target: UnsafeMutableRawBufferPointer, from start: Int = 0) {
        self.target = target
        self.count = start
    }

    @inline(__always)
    mutating func write(_ bytes: UnsafeRawBufferPointer) {
        guard let rest = self.room(bytes.count), bytes.count > 0 else { return }
        rest.copyMemory(from: bytes)
        self.count &+= bytes.count
    }

    @inline(__always)
    mutating func write(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { self.write($0) }
    }

    @inline(__always)
    mutating func write(_ text: StaticString) {
        self.write(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    @inline(__always)
    mutating func write(byte: UInt8) {
        guard let rest = self.room(1) else { return }
        rest[0] = byte
        self.count &+= 1
    }

    /// A number that is not negative, in decimal.
    @inline(__always)
    mutating func write(decimal number: Int) {
        var digits = 1
        var bound = 10
        while digits < 18, number >= bound {
            digits &+= 1
            bound &*= 10
        }
        guard let rest = self.room(digits) else { return }
        var left = number
        var index = digits &- 1
        while index >= 0 {
            rest[index] = UInt8(truncatingIfNeeded: left % 10) &+ UInt8(ascii: "0")
            left /= 10
            index &-= 1
        }
        self.count &+= digits
    }

    /// Sixteen lower-case hexadecimal digits.
    @inline(__always)
    mutating func write(hexadecimal number: UInt64) {
        guard let rest = self.room(16) else { return }
        var left = number
        var index = 15
        while index >= 0 {
            let digit = UInt8(truncatingIfNeeded: left & 15)
            rest[index] = digit < 10 ? digit &+ UInt8(ascii: "0") : digit &- 10 &+ UInt8(ascii: "a")
            left >>= 4
            index &-= 1
        }
        self.count &+= 16
    }

    /// Leaves it to the caller to fill what follows.
    @inline(__always)
    mutating func write(_ body: (UnsafeMutableRawBufferPointer) -> Int) {
        let written = body(UnsafeMutableRawBufferPointer(rebasing: self.target[self.count...]))
        guard written >= 0 else {
            self.fits = false
            return
        }
        self.count &+= written
    }

    @inline(__always)
    private mutating func room(_ count: Int) -> UnsafeMutableRawBufferPointer? {
        guard count <= self.target.count &- self.count else {
            self.fits = false
            return nil
        }
        return UnsafeMutableRawBufferPointer(rebasing: self.target[self.count...])
    }
}
