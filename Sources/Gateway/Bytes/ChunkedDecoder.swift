/// Finds the data in a chunked body (RFC 9112 section 7.1) that comes in pieces, without copying any of it.
///
/// Feed it each buffer from the front until it says `.needsMore`; it remembers where it stands between buffers. Chunk
/// extensions and trailers are skipped, within bounds. Strict: a size has 1 to 16 hexadecimal digits and fits a
/// positive `Int`, every line ends with CRLF, and anything else is `.invalid` for good.
public struct ChunkedDecoder: Hashable, Sendable {
    public enum Step: Hashable, Sendable {
        /// Data of the body, at this place of the buffer.
        case data(ByteRange)
        /// The buffer is used up.
        case needsMore
        /// The body has ended; the byte at the offset belongs to whatever comes next.
        case end
        case invalid(Invalid)
    }

    public enum Invalid: Hashable, Sendable {
        case size, sizeTooLarge, extensionTooLong, lineEnd, trailer, trailersTooLong
    }

    public static let extensionBytesMax = 1024
    public static let trailerBytesMax = 8 * 1024

    private enum State: Hashable {
        /// Expects a digit of a size; `digits` were there.
        case size(digits: Int)
        /// Behind the size, before its line feed; `isAtLineFeed` once the carriage return was there.
        case sizeExtension(isAtLineFeed: Bool)
        case data
        /// Behind the data of a chunk.
        case dataEnd(isAtLineFeed: Bool)
        /// At the first byte of a trailer or of the empty line.
        case trailerStart
        case trailer(isAtLineFeed: Bool)
        case lastLineFeed
        case ended
        case failed(Invalid)
    }

    private var state = State.size(digits: 0)
    /// The size read so far, then what is left of the chunk.
    private var left = 0
    /// Bytes of the present extension, or of all trailers.
    private var skippedBytes = 0

    public init() {}

    public var hasEnded: Bool { self.state == .ended }

    /// The next thing in `bytes` from `offset` on, which it moves behind what it used.
    @inline(__always)
    public mutating func next(_ bytes: UnsafeRawBufferPointer, at offset: inout Int) -> Step {
        while true {
            switch self.state {
            case .ended: return .end
            case .failed(let reason): return .invalid(reason)
            case .data where offset < bytes.count: return self.takeData(bytes, at: &offset)
            default: break
            }
            guard offset < bytes.count else { return .needsMore }
            let byte = bytes[offset]
            offset &+= 1
            self.state = self.state(after: byte)
        }
    }

    @inline(__always)
    private mutating func takeData(_ bytes: UnsafeRawBufferPointer, at offset: inout Int) -> Step {
        let count = min(self.left, bytes.count &- offset)
        let range = ByteRange(from: offset, to: offset &+ count)
        offset &+= count
        self.left &-= count
        if self.left == 0 { self.state = .dataEnd(isAtLineFeed: false) }
        return .data(range)
    }

    @inline(__always)
    private mutating func state(after byte: UInt8) -> State {
        switch self.state {
        case .size(let digits): self.state(afterSize: byte, digits: digits)
        case .sizeExtension(let isAtLineFeed): self.state(afterExtension: byte, isAtLineFeed: isAtLineFeed)
        case .dataEnd(let isAtLineFeed):
            if isAtLineFeed {
                byte == HeaderBytes.lineFeed ? .size(digits: 0) : .failed(.lineEnd)
            } else {
                byte == HeaderBytes.carriageReturn ? .dataEnd(isAtLineFeed: true) : .failed(.lineEnd)
            }
        case .trailerStart:
            byte == HeaderBytes.carriageReturn ? .lastLineFeed : self.state(afterTrailer: byte, isFirst: true)
        case .trailer(let isAtLineFeed):
            if isAtLineFeed {
                byte == HeaderBytes.lineFeed ? .trailerStart : .failed(.lineEnd)
            } else {
                self.state(afterTrailer: byte, isFirst: false)
            }
        case .lastLineFeed: byte == HeaderBytes.lineFeed ? .ended : .failed(.lineEnd)
        case .data, .ended, .failed: self.state
        }
    }

    @inline(__always)
    private mutating func state(afterSize byte: UInt8, digits: Int) -> State {
        if let digit = Self.hexadecimal(byte) {
            if digits == 0 { self.left = 0 }
            guard digits < 16, self.left < 1 << 59 else { return .failed(.sizeTooLarge) }
            self.left = self.left &<< 4 | digit
            return .size(digits: digits &+ 1)
        }
        self.skippedBytes = 0
        guard digits > 0 else { return .failed(.size) }
        switch byte {
        case HeaderBytes.carriageReturn: return .sizeExtension(isAtLineFeed: true)
        case UInt8(ascii: ";"), HeaderBytes.space, HeaderBytes.tab: return .sizeExtension(isAtLineFeed: false)
        default: return .failed(.size)
        }
    }

    @inline(__always)
    private mutating func state(afterExtension byte: UInt8, isAtLineFeed: Bool) -> State {
        if isAtLineFeed {
            guard byte == HeaderBytes.lineFeed else { return .failed(.lineEnd) }
            self.skippedBytes = 0
            return self.left == 0 ? .trailerStart : .data
        }
        if byte == HeaderBytes.carriageReturn { return .sizeExtension(isAtLineFeed: true) }
        guard Self.isLineByte(byte) else { return .failed(.lineEnd) }
        self.skippedBytes &+= 1
        guard self.skippedBytes <= Self.extensionBytesMax else { return .failed(.extensionTooLong) }
        return .sizeExtension(isAtLineFeed: false)
    }

    @inline(__always)
    private mutating func state(afterTrailer byte: UInt8, isFirst: Bool) -> State {
        if byte == HeaderBytes.carriageReturn { return .trailer(isAtLineFeed: true) }
        guard Self.isLineByte(byte), !isFirst || HeaderBytes.isToken(byte) else { return .failed(.trailer) }
        self.skippedBytes &+= 1
        guard self.skippedBytes <= Self.trailerBytesMax else { return .failed(.trailersTooLong) }
        return .trailer(isAtLineFeed: false)
    }

    @inline(__always)
    private static func hexadecimal(_ byte: UInt8) -> Int? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int(byte &- UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int(byte &- UInt8(ascii: "a") &+ 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int(byte &- UInt8(ascii: "A") &+ 10)
        default: nil
        }
    }

    /// What may stand within a line: no control character but the tab.
    @inline(__always)
    private static func isLineByte(_ byte: UInt8) -> Bool {
        byte == HeaderBytes.tab || (byte >= 0x20 && byte != 0x7F)
    }
}
