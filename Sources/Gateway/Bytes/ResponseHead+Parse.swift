extension ResponseHead {
    /// Parses the head of an answer in one pass. `bytes` begin with its first byte; what follows the head is not looked
    /// at. `answersHead`: the request was HEAD, so that no body follows.
    public static func parse(
        _ bytes: UnsafeRawBufferPointer,
        limits: HeadLimits,
        answersHead: Bool = false
    ) -> ResponseHeadResult {
        let window = UnsafeRawBufferPointer(rebasing: bytes.prefix(limits.headBytesMax))
        var parser = ResponseHeadParser(window, limits: limits)
        var stop = parser.statusLine()
        while case .more = stop { stop = parser.headerLine() }
        switch stop {
        case .end: return parser.settled(answersHead: answersHead)
        case .more, .incomplete: return window.count < limits.headBytesMax ? .incomplete : .invalid(.tooLarge)
        case .invalid(let reason): return .invalid(reason)
        }
    }
}

/// The state of one parse: how far it came, and what it found.
private struct ResponseHeadParser {
    private let bytes: UnsafeRawBufferPointer
    private let limits: HeadLimits
    private var head = ResponseHead()
    private var index = 0
    private var isVersion10 = false
    private var saysClose = false
    private var saysKeepAlive = false
    private var isChunked = false
    private var contentLength = -1

    /// What a part of the head says about the whole.
    enum Step {
        /// Fine; another part follows.
        case more
        /// The head is complete.
        case end
        case incomplete
        case invalid(ResponseHead.Invalid)
    }

    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer, limits: HeadLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    /// `HTTP/1.x SP 3DIGIT [SP reason] CRLF`.
    @inline(__always)
    mutating func statusLine() -> Step {
        let start: StaticString = "HTTP/1."
        while self.index < start.utf8CodeUnitCount {
            guard self.index < self.bytes.count else { return .incomplete }
            guard self.bytes[self.index] == start.utf8Start[self.index] else { return .invalid(.statusLine) }
            self.index &+= 1
        }
        guard self.bytes.count > 12 else { return .incomplete }
        guard self.bytes[7] == UInt8(ascii: "1") || self.bytes[7] == UInt8(ascii: "0") else {
            return .invalid(.version)
        }
        self.isVersion10 = self.bytes[7] == UInt8(ascii: "0")
        let status = HeaderBytes.decimal(self.bytes, ByteRange(from: 9, to: 12))
        guard self.bytes[8] == HeaderBytes.space, status >= 100 else { return .invalid(.status) }
        guard status != 101 else { return .invalid(.switchingProtocols) }
        self.head.status = status
        self.index = 12
        return self.reason()
    }

    @inline(__always)
    private mutating func reason() -> Step {
        let isBare = self.bytes[12] == HeaderBytes.carriageReturn
        guard isBare || self.bytes[12] == HeaderBytes.space else { return .invalid(.status) }
        let start = isBare ? 12 : 13
        self.index = start
        let step = self.lineEnd(from: 0)
        if case .more = step {
            self.head.reason = ByteRange(from: start, to: self.index &- 2)
            self.head.linesStart = self.index
        }
        return step
    }

    /// One header line, or the empty line at the end.
    @inline(__always)
    mutating func headerLine() -> Step {
        guard self.index < self.bytes.count else { return .incomplete }
        let start = self.index
        if self.bytes[start] == HeaderBytes.carriageReturn { return self.emptyLine() }
        while self.index < self.bytes.count, HeaderBytes.isToken(self.bytes[self.index]) { self.index &+= 1 }
        guard self.index &- start <= self.limits.lineBytesMax else { return .invalid(.tooLarge) }
        guard self.index < self.bytes.count else { return .incomplete }
        guard self.bytes[self.index] == HeaderBytes.colon, self.index > start else {
            return .invalid(self.nameFault(start))
        }
        let name = ByteRange(from: start, to: self.index)
        let valueStart = self.index &+ 1
        self.index = valueStart
        let step = self.lineEnd(from: start)
        guard case .more = step else { return step }
        self.head.headerCount &+= 1
        guard self.head.headerCount <= self.limits.headersMax else { return .invalid(.tooLarge) }
        return self.record(name, HeaderBytes.trimmed(self.bytes, from: valueStart, to: self.index &- 2))
    }

    private func nameFault(_ start: Int) -> ResponseHead.Invalid {
        let isFolded = self.bytes[start] == HeaderBytes.space || self.bytes[start] == HeaderBytes.tab
        return self.index == start && isFolded ? .foldedLine : .headerName
    }

    /// Moves `index` behind the CRLF that ends the line which began at `start`.
    @inline(__always)
    private mutating func lineEnd(from start: Int) -> Step {
        while true {
            self.index = HeaderBytes.plainEnd(self.bytes, from: self.index)
            guard self.index &- start <= self.limits.lineBytesMax else { return .invalid(.tooLarge) }
            guard self.index < self.bytes.count else { return .incomplete }
            let byte = self.bytes[self.index]
            if byte == HeaderBytes.carriageReturn { break }
            guard byte == HeaderBytes.tab || byte >= 0x80 else {
                return .invalid(byte == HeaderBytes.lineFeed ? .lineEnd : .headerValue)
            }
            self.index &+= 1
        }
        guard self.index &+ 1 < self.bytes.count else { return .incomplete }
        guard self.bytes[self.index &+ 1] == HeaderBytes.lineFeed else { return .invalid(.lineEnd) }
        self.index &+= 2
        return .more
    }

    @inline(__always)
    private mutating func emptyLine() -> Step {
        guard self.index &+ 1 < self.bytes.count else { return .incomplete }
        guard self.bytes[self.index &+ 1] == HeaderBytes.lineFeed else { return .invalid(.lineEnd) }
        self.head.headBytes = self.index &+ 2
        return .end
    }

    /// Notes what a known header says.
    @inline(__always)
    private mutating func record(_ name: ByteRange, _ value: ByteRange) -> Step {
        switch KnownHeader.named(self.bytes, name) {
        case .contentLength: return self.recordContentLength(value)
        case .transferEncoding:
            guard !self.isChunked, HeaderBytes.equals(self.bytes, value, "chunked") else {
                return .invalid(.transferEncoding)
            }
            self.isChunked = true
        case .connection: self.recordConnection(value)
        case .contentType: self.head.contentType = value
        case .retryAfter:
            self.head.hasRetryAfter = true
            self.head.retryAfterSeconds = HeaderBytes.decimal(self.bytes, value)
        default: break
        }
        return .more
    }

    /// The same length twice is one length; two lengths are none.
    @inline(__always)
    private mutating func recordContentLength(_ value: ByteRange) -> Step {
        let length = HeaderBytes.decimal(self.bytes, value)
        guard length >= 0, self.contentLength < 0 || self.contentLength == length else {
            return .invalid(.contentLength)
        }
        self.contentLength = length
        return .more
    }

    @inline(__always)
    private mutating func recordConnection(_ value: ByteRange) {
        var list = HeaderList(self.bytes, value)
        while let member = list.nextMember() {
            if HeaderBytes.equals(self.bytes, member, "close") {
                self.saysClose = true
            } else if HeaderBytes.equals(self.bytes, member, "keep-alive") {
                self.saysKeepAlive = true
            } else {
                self.head.namesConnectionHeaders = true
            }
        }
    }

    /// Decides on framing and keep-alive once all headers are known (RFC 9112 section 6.3).
    @inline(__always)
    mutating func settled(answersHead: Bool) -> ResponseHeadResult {
        guard !self.isChunked || self.contentLength < 0 else { return .invalid(.bothLengths) }
        guard !self.isChunked || !self.isVersion10 else { return .invalid(.transferEncoding) }
        self.head.keepsAlive = !self.saysClose && (!self.isVersion10 || self.saysKeepAlive)
        if answersHead || self.head.status < 200 || self.head.status == 204 || self.head.status == 304 {
            self.head.framing = .none
        } else if self.isChunked {
            self.head.framing = .chunked
        } else if self.contentLength >= 0 {
            self.head.framing = .contentLength(self.contentLength)
        } else {
            self.head.framing = .untilClose
            self.head.keepsAlive = false
        }
        return .head(self.head)
    }
}
