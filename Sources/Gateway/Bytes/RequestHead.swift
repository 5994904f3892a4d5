/// The head of an HTTP/1.1 request of exactly the common form, as ranges of the buffer it was parsed from.
///
/// The data plane's fast path. It understands only what cannot be understood in two ways; anything else is `.unusual`
/// and goes, unchanged, to the general path. Invariant: what is accepted here means the same to NIO's HTTP decoder
/// (method, target, headers, where the body ends). A request the two read differently would be a smuggling hole.
public struct RequestHead: Hashable, Sendable {
    public enum Method: Hashable, Sendable { case get, post }

    /// Why a request is left to the general path. It may be perfectly valid.
    public enum Unusual: Hashable, Sendable {
        case method, target, version
        case headerName, headerValue, lineEnd, foldedLine
        case contentLength, transferEncoding, contentEncoding, expect, upgrade, connection, host
        /// A header that the data plane reads is there twice.
        case repeatedHeader
    }

    public internal(set) var method: Method
    /// The path with its query, if any.
    public internal(set) var target: ByteRange
    /// -1 when there is none, which means that there is no body.
    public internal(set) var contentLength = -1
    /// From the first byte to the end of the empty line: where the body begins.
    public internal(set) var headBytes = 0
    /// False when the caller sent `Connection: close`.
    public internal(set) var keepsAlive = true
    /// Whether the caller sent any credential (`Authorization`, cookies, `x-api-key`).
    public internal(set) var hasCredentials = false
    public internal(set) var headerCount = 0
    /// A credential that was meant for the manager: it goes on to no service.
    var withheld = KnownHeader.other

    public internal(set) var host = ByteRange.none
    public internal(set) var contentType = ByteRange.none
    public internal(set) var accept = ByteRange.none
    public internal(set) var authorization = ByteRange.none
    public internal(set) var apiKey = ByteRange.none
    public internal(set) var requestID = ByteRange.none
    public internal(set) var timeoutMilliseconds = ByteRange.none
    public internal(set) var retriesMax = ByteRange.none
    public internal(set) var hashKey = ByteRange.none
    public internal(set) var epoch = ByteRange.none
    public internal(set) var traceparent = ByteRange.none
    public internal(set) var tracestate = ByteRange.none
    public internal(set) var hops = ByteRange.none
    public internal(set) var via = ByteRange.none

    var linesStart = 0

    /// The header lines in their order. `bytes` must be what this head was parsed from.
    @inline(__always)
    public func lines(of bytes: UnsafeRawBufferPointer) -> HeaderLines {
        HeaderLines(bytes, from: self.linesStart, to: self.headBytes &- 2)
    }

    /// Room that `copyForwardable` needs at most.
    public var forwardableBytesMax: Int { self.headBytes }

    /// Copies the header lines that go on to the service, each with its CRLF and in their order: not those of this
    /// connection, not those we write ourselves (`Host`, `Content-Length`, `x-request-id`, `traceparent`, `via`,
    /// `x-mm-…`), and credentials only when asked to. `bytes` must be what this head was parsed from.
    /// Returns how many bytes it wrote; -1 when the target is too small.
    public func copyForwardable(
        of bytes: UnsafeRawBufferPointer,
        into target: UnsafeMutableRawBufferPointer,
        dropCredentials: Bool
    ) -> Int {
        var kept = KeptLines(from: bytes, into: target)
        var lines = self.lines(of: bytes)
        while let line = lines.nextLine() {
            switch line.header.fateInRequest {
            case .forward: kept.keep(line.line)
            case .credential where !dropCredentials && line.header != .proxyAuthorization: kept.keep(line.line)
            case .credential, .hopByHop, .rewritten: continue
            }
        }
        kept.flush()
        return kept.fits ? kept.copiedBytes : -1
    }
}

/// What the bytes at hand are.
public enum HeadResult: Hashable, Sendable {
    /// So far so good; parse again, from the start, when more bytes are there.
    case incomplete
    case head(RequestHead)
    case unusual(RequestHead.Unusual)
    /// Beyond `HeadLimits`: to be answered 431.
    case tooLarge
}
