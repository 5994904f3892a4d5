extension RequestHead {
    /// Parses a request head in one pass. `bytes` begin with the first byte of the request; what follows the head is
    /// not looked at. Pure: the same bytes give the same result.
    public static func parse(_ bytes: UnsafeRawBufferPointer, limits: HeadLimits) -> HeadResult {
        let window = UnsafeRawBufferPointer(rebasing: bytes.prefix(limits.headBytesMax))
        var parser = RequestHeadParser(window, limits: limits)
        var stop = parser.requestLine()
        while case .more = stop { stop = parser.headerLine() }
        switch stop {
        case .end: return .head(parser.head)
        case .more, .incomplete: return window.count < limits.headBytesMax ? .incomplete : .tooLarge
        case .unusual(let reason): return .unusual(reason)
        case .tooLarge: return .tooLarge
        }
    }

    /// Whether an empty line ends somewhere in the bytes from `start`: spares parsing a head that drips in byte by byte
    /// again and again. `start` is how many bytes were there when `parse` last said `.incomplete`.
    public static func mayBeComplete(_ bytes: UnsafeRawBufferPointer, from start: Int) -> Bool {
        var index = max(start, 3)
        while index < bytes.count {
            if bytes[index] == HeaderBytes.lineFeed, bytes[index &- 1] == HeaderBytes.carriageReturn,
                bytes[index &- 2] == HeaderBytes.lineFeed
            {
                return true
            }
            index &+= 1
        }
        return false
    }
}

/// The state of one parse: how far it came, and what it found.
private struct RequestHeadParser {
    private let bytes: UnsafeRawBufferPointer
    private let limits: HeadLimits
    private(set) var head = RequestHead(method: .get, target: .none)
    private var index = 0
    /// One bit for each `KnownHeader` met.
    private var met: UInt64 = 0

    /// What a part of the head says about the whole.
    enum Step {
        /// Fine; another part follows.
        case more
        /// The head is complete.
        case end
        case incomplete, tooLarge
        case unusual(RequestHead.Unusual)
    }

    @inline(__always)
    init(_ bytes: UnsafeRawBufferPointer, limits: HeadLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    @inline(__always)
    mutating func requestLine() -> Step {
        let method = self.method()
        guard case .more = method else { return method }
        let target = self.target()
        guard case .more = target else { return target }
        switch self.skip(" HTTP/1.1\r\n") {
        case .no: return .unusual(.version)
        case .notYet: return .incomplete
        case .yes: break
        }
        self.head.linesStart = self.index
        return self.index > self.limits.lineBytesMax ? .tooLarge : .more
    }

    @inline(__always)
    private mutating func method() -> Step {
        switch self.skip("POST ") {
        case .yes:
            self.head.method = .post
            return .more
        case .notYet: return .incomplete
        case .no: break
        }
        switch self.skip("GET ") {
        case .yes: return .more
        case .notYet: return .incomplete
        case .no: return .unusual(.method)
        }
    }

    /// Origin form only: begins with a slash.
    @inline(__always)
    private mutating func target() -> Step {
        let start = self.index
        guard start < self.bytes.count else { return .incomplete }
        guard self.bytes[start] == UInt8(ascii: "/") else { return .unusual(.target) }
        while self.index < self.bytes.count, HeaderBytes.isTarget(self.bytes[self.index]) { self.index &+= 1 }
        guard self.index &- start <= self.limits.lineBytesMax else { return .tooLarge }
        guard self.index < self.bytes.count else { return .incomplete }
        guard self.bytes[self.index] == HeaderBytes.space else { return .unusual(.target) }
        self.head.target = ByteRange(from: start, to: self.index)
        return .more
    }

    /// One header line, or the empty line at the end.
    @inline(__always)
    mutating func headerLine() -> Step {
        guard self.index < self.bytes.count else { return .incomplete }
        if self.bytes[self.index] == HeaderBytes.carriageReturn { return self.emptyLine() }
        let start = self.index
        let step = self.name(from: start)
        guard case .more = step else { return step }
        let name = ByteRange(from: start, to: self.index)
        let valueStart = self.index &+ 1
        self.index = HeaderBytes.plainEnd(self.bytes, from: valueStart)
        let valueEnd = self.index
        guard valueEnd &- start <= self.limits.lineBytesMax else { return .tooLarge }
        guard valueEnd < self.bytes.count else { return .incomplete }
        guard self.bytes[valueEnd] == HeaderBytes.carriageReturn else {
            return .unusual(self.bytes[valueEnd] == HeaderBytes.lineFeed ? .lineEnd : .headerValue)
        }
        guard valueEnd &+ 1 < self.bytes.count else { return .incomplete }
        guard self.bytes[valueEnd &+ 1] == HeaderBytes.lineFeed else { return .unusual(.lineEnd) }
        self.index = valueEnd &+ 2
        self.head.headerCount &+= 1
        guard self.head.headerCount <= self.limits.headersMax else { return .tooLarge }
        return self.record(name, HeaderBytes.trimmed(self.bytes, from: valueStart, to: valueEnd))
    }

    /// Leaves `index` at the colon.
    @inline(__always)
    private mutating func name(from start: Int) -> Step {
        while self.index < self.bytes.count, HeaderBytes.isToken(self.bytes[self.index]) { self.index &+= 1 }
        guard self.index &- start <= self.limits.lineBytesMax else { return .tooLarge }
        guard self.index < self.bytes.count else { return .incomplete }
        if self.bytes[self.index] == HeaderBytes.colon, self.index > start { return .more }
        let isFolded =
            self.index == start && (self.bytes[start] == HeaderBytes.space || self.bytes[start] == HeaderBytes.tab)
        return .unusual(isFolded ? .foldedLine : .headerName)
    }

    @inline(__always)
    private mutating func emptyLine() -> Step {
        guard self.index &+ 1 < self.bytes.count else { return .incomplete }
        guard self.bytes[self.index &+ 1] == HeaderBytes.lineFeed else { return .unusual(.lineEnd) }
        guard self.head.host.isPresent else { return .unusual(.host) }
        self.head.headBytes = self.index &+ 2
        return .end
    }

    /// Notes what a known header says.
    @inline(__always)
    private mutating func record(_ name: ByteRange, _ value: ByteRange) -> Step {
        let header = KnownHeader.named(self.bytes, name)
        guard header != .other, header != .otherOfOurs, header != .cookie else {
            if header == .cookie { self.head.hasCredentials = true }
            return .more
        }
        let bit: UInt64 = 1 << UInt64(header.rawValue)
        guard self.met & bit == 0 else { return .unusual(.repeatedHeader) }
        self.met |= bit
        switch header {
        case .host: return self.recordHost(value)
        case .contentLength: return self.recordContentLength(value)
        case .connection: return self.recordConnection(value)
        case .transferEncoding: return .unusual(.transferEncoding)
        case .contentEncoding: return .unusual(.contentEncoding)
        case .proxyConnection: return .unusual(.connection)  // llhttp takes it for Connection.
        case .expect: return .unusual(.expect)
        case .upgrade, .http2Settings: return .unusual(.upgrade)
        default:
            self.recordRange(of: header, value)
            return .more
        }
    }

    @inline(__always)
    private mutating func recordRange(of header: KnownHeader, _ value: ByteRange) {
        switch header {
        case .contentType: self.head.contentType = value
        case .accept: self.head.accept = value
        case .requestID: self.head.requestID = value
        case .timeoutMilliseconds: self.head.timeoutMilliseconds = value
        case .retriesMax: self.head.retriesMax = value
        case .hashKey: self.head.hashKey = value
        case .epoch: self.head.epoch = value
        case .traceparent: self.head.traceparent = value
        case .tracestate: self.head.tracestate = value
        case .hops: self.head.hops = value
        case .via: self.head.via = value
        case .authorization:
            self.head.authorization = value
            self.head.hasCredentials = true
        case .apiKey:
            self.head.apiKey = value
            self.head.hasCredentials = true
        case .proxyAuthorization: self.head.hasCredentials = true
        default: break
        }
    }

    @inline(__always)
    private mutating func recordHost(_ value: ByteRange) -> Step {
        guard value.count > 0 else { return .unusual(.host) }
        var index = value.offset
        while index < value.end {
            guard HeaderBytes.isHost(self.bytes[index]) else { return .unusual(.host) }
            index &+= 1
        }
        self.head.host = value
        return .more
    }

    /// Digits without a leading zero: `007` is a number to some and octal to others.
    @inline(__always)
    private mutating func recordContentLength(_ value: ByteRange) -> Step {
        let length = HeaderBytes.decimal(self.bytes, value)
        guard length >= 0, value.count == 1 || self.bytes[value.offset] != UInt8(ascii: "0") else {
            return .unusual(.contentLength)
        }
        self.head.contentLength = length
        return .more
    }

    /// `close` or `keep-alive` alone; a list may name headers to drop, which the general path does.
    @inline(__always)
    private mutating func recordConnection(_ value: ByteRange) -> Step {
        if HeaderBytes.equals(self.bytes, value, "close") {
            self.head.keepsAlive = false
            return .more
        }
        return HeaderBytes.equals(self.bytes, value, "keep-alive") ? .more : .unusual(.connection)
    }

    private enum Skip { case yes, no, notYet }

    /// Steps over `text` if it stands here exactly.
    @inline(__always)
    private mutating func skip(_ text: StaticString) -> Skip {
        let expected = text.utf8Start
        var offset = 0
        while offset < text.utf8CodeUnitCount {
            guard self.index &+ offset < self.bytes.count else { return .notYet }
            guard self.bytes[self.index &+ offset] == expected[offset] else { return .no }
            offset &+= 1
        }
        self.index &+= offset
        return .yes
    }
}
