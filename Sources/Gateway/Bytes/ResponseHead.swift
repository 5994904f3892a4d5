/// The head of a service's answer, HTTP/1.0 or 1.1, as ranges of the buffer it was parsed from.
///
/// Tolerant where real servers are odd (no reason phrase, no `Content-Type`, bytes beyond ASCII in a value), strict
/// where two readers could disagree on where the answer ends: both lengths, differing lengths, bare line feeds, folded
/// lines and unknown transfer codings make it `.invalid`. Interim answers (1xx) are heads like any other: the caller
/// skips `headBytes` and parses again.
public struct ResponseHead: Hashable, Sendable {
    /// How the end of the body is found.
    public enum Framing: Hashable, Sendable {
        /// No body follows, whatever the headers say: 1xx, 204, 304, or the answer to HEAD.
        case none
        case contentLength(Int)
        case chunked
        /// The body ends with the connection.
        case untilClose
    }

    /// Why an answer is broken. Its connection cannot be used any more.
    public enum Invalid: Hashable, Sendable {
        case statusLine, version, status
        case headerName, headerValue, lineEnd, foldedLine
        case contentLength, transferEncoding, bothLengths
        /// A switch of protocols that nobody asked for.
        case switchingProtocols
        /// Beyond `HeadLimits`.
        case tooLarge
    }

    public internal(set) var status = 0
    public internal(set) var framing = Framing.untilClose
    /// From the first byte to the end of the empty line: where the body begins.
    public internal(set) var headBytes = 0
    /// Whether another request may follow on the connection once the body has ended.
    public internal(set) var keepsAlive = true
    public internal(set) var hasRetryAfter = false
    /// Seconds of `Retry-After`; -1 when there is none or it is a date.
    public internal(set) var retryAfterSeconds = -1
    public internal(set) var headerCount = 0
    public internal(set) var reason = ByteRange.none
    public internal(set) var contentType = ByteRange.none

    var linesStart = 0
    /// `Connection` names other headers that end here.
    var namesConnectionHeaders = false

    public var isInterim: Bool { self.status < 200 }

    /// The header lines in their order. `bytes` must be what this head was parsed from.
    @inline(__always)
    public func lines(of bytes: UnsafeRawBufferPointer) -> HeaderLines {
        HeaderLines(bytes, from: self.linesStart, to: self.headBytes &- 2)
    }

    /// Room that `copyForwardable` needs at most.
    public var forwardableBytesMax: Int { self.headBytes }

    /// Copies the header lines that go back to the caller, each with its CRLF and in their order: not those of this
    /// connection (nor those that `Connection` names), not those only the manager may set (`x-request-id`, `x-mm-…`).
    /// `Content-Length` goes along, once; after `.chunked` and `.untilClose` there is none. `bytes` must be what this
    /// head was parsed from. Returns how many bytes it wrote; -1 when the target is too small.
    public func copyForwardable(of bytes: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) -> Int {
        var kept = KeptLines(from: bytes, into: target)
        var lines = self.lines(of: bytes)
        var mayKeepLength = self.status >= 200 && self.status != 204
        while let line = lines.nextLine() {
            guard line.header.fateInAnswer == .forward else { continue }
            if line.header == .contentLength {
                guard mayKeepLength else { continue }
                mayKeepLength = false
            } else if self.namesConnectionHeaders, self.connectionNames(line.name, in: bytes) {
                continue
            }
            kept.keep(line.line)
        }
        kept.flush()
        return kept.fits ? kept.copiedBytes : -1
    }

    /// Whether a `Connection` header lists this name.
    private func connectionNames(_ name: ByteRange, in bytes: UnsafeRawBufferPointer) -> Bool {
        var lines = self.lines(of: bytes)
        while let line = lines.nextLine() {
            guard line.header == .connection else { continue }
            var list = HeaderList(bytes, line.value)
            while let member = list.nextMember() {
                if HeaderBytes.equalsIgnoringCase(bytes, member, name) { return true }
            }
        }
        return false
    }
}

/// What the bytes at hand are.
public enum ResponseHeadResult: Hashable, Sendable {
    /// So far so good; parse again, from the start, when more bytes are there.
    case incomplete
    case head(ResponseHead)
    case invalid(ResponseHead.Invalid)
}
