/// The headers that mean something to the data plane; every other name is `.other` and passes through.
///
/// Recognised by length and first letter, so that a name is compared with at most two candidates.
public enum KnownHeader: UInt8, Hashable, Sendable, CaseIterable {
    case other
    // Framing and routing of the message itself.
    case host, contentLength, contentType, contentEncoding, accept, expect
    // Valid for one connection only (RFC 9110 section 7.6.1).
    case connection, keepAlive, proxyConnection, te, trailer, transferEncoding, upgrade, proxyAuthenticate
    case http2Settings
    // The caller's credentials.
    case authorization, cookie, apiKey, proxyAuthorization
    // Tracing and our own.
    case requestID, traceparent, tracestate, via, hops, timeoutMilliseconds, retriesMax, hashKey, epoch, otherOfOurs
    // Answers only.
    case retryAfter

    /// What becomes of a header when its message goes on.
    public enum Fate: Hashable, Sendable {
        /// Goes on as it came.
        case forward
        /// Belongs to this connection and ends here.
        case hopByHop
        /// Goes on only to services that asked for the caller's credentials.
        case credential
        /// Ends here, because we write it ourselves or because it was meant for us.
        case rewritten
    }

    /// The fate of this header in a request.
    @inline(__always)
    public var fateInRequest: Fate {
        switch self {
        case .connection, .keepAlive, .proxyConnection, .te, .trailer, .transferEncoding, .upgrade, .proxyAuthenticate,
            .http2Settings, .expect:
            .hopByHop
        case .authorization, .cookie, .apiKey, .proxyAuthorization: .credential
        case .host, .contentLength, .requestID, .traceparent, .via, .hops, .timeoutMilliseconds, .retriesMax, .hashKey,
            .epoch, .otherOfOurs:
            .rewritten
        case .other, .contentType, .contentEncoding, .accept, .tracestate, .retryAfter: .forward
        }
    }

    /// The fate of this header in an answer. `Content-Length` goes on: the answer keeps its framing.
    @inline(__always)
    public var fateInAnswer: Fate {
        switch self {
        case .connection, .keepAlive, .proxyConnection, .te, .trailer, .transferEncoding, .upgrade, .proxyAuthenticate,
            .http2Settings:
            .hopByHop
        case .requestID, .hops, .timeoutMilliseconds, .retriesMax, .hashKey, .epoch, .otherOfOurs: .rewritten
        default: .forward
        }
    }

    /// Which header a name is; all bytes of `name` must be token characters.
    @inline(__always)
    static func named(_ bytes: UnsafeRawBufferPointer, _ name: ByteRange) -> KnownHeader {
        guard name.count >= 2, name.count <= 19, name.end <= bytes.count else { return self.longNamed(bytes, name) }
        switch bytes[name.offset] | 0x20 {
        case UInt8(ascii: "a"): return self.namedA(bytes, name)
        case UInt8(ascii: "c"): return self.namedC(bytes, name)
        case UInt8(ascii: "x"): return self.namedX(bytes, name)
        case UInt8(ascii: "t"): return self.namedT(bytes, name)
        case UInt8(ascii: "p"): return self.namedP(bytes, name)
        case UInt8(ascii: "h"): return self.namedH(bytes, name)
        case UInt8(ascii: "e"): return self.matched(bytes, name, "expect", .expect)
        case UInt8(ascii: "k"): return self.matched(bytes, name, "keep-alive", .keepAlive)
        case UInt8(ascii: "r"): return self.matched(bytes, name, "retry-after", .retryAfter)
        case UInt8(ascii: "u"): return self.matched(bytes, name, "upgrade", .upgrade)
        case UInt8(ascii: "v"): return self.matched(bytes, name, "via", .via)
        default: return .other
        }
    }

    @inline(__always)
    private static func matched(
        _ bytes: UnsafeRawBufferPointer,
        _ name: ByteRange,
        _ text: StaticString,
        _ header: KnownHeader
    ) -> KnownHeader {
        HeaderBytes.equals(bytes, name, text) ? header : .other
    }

    @inline(__always)
    private static func namedA(_ bytes: UnsafeRawBufferPointer, _ name: ByteRange) -> KnownHeader {
        switch name.count {
        case 6: self.matched(bytes, name, "accept", .accept)
        case 13: self.matched(bytes, name, "authorization", .authorization)
        default: .other
        }
    }

    @inline(__always)
    private static func namedC(_ bytes: UnsafeRawBufferPointer, _ name: ByteRange) -> KnownHeader {
        switch name.count {
        case 6: self.matched(bytes, name, "cookie", .cookie)
        case 10: self.matched(bytes, name, "connection", .connection)
        case 12: self.matched(bytes, name, "content-type", .contentType)
        case 14: self.matched(bytes, name, "content-length", .contentLength)
        case 16: self.matched(bytes, name, "content-encoding", .contentEncoding)
        default: .other
        }
    }

    @inline(__always)
    private static func namedH(_ bytes: UnsafeRawBufferPointer, _ name: ByteRange) -> KnownHeader {
        switch name.count {
        case 4: self.matched(bytes, name, "host", .host)
        case 14: self.matched(bytes, name, "http2-settings", .http2Settings)
        default: .other
        }
    }

    @inline(__always)
    private static func namedP(_ bytes: UnsafeRawBufferPointer, _ name: ByteRange) -> KnownHeader {
        switch name.count {
        case 16: self.matched(bytes, name, "proxy-connection", .proxyConnection)
        case 18: self.matched(bytes, name, "proxy-authenticate", .proxyAuthenticate)
        case 19: self.matched(bytes, name, "proxy-authorization", .proxyAuthorization)
        default: .other
        }
    }

    @inline(__always)
    private static func namedT(_ bytes: UnsafeRawBufferPointer, _ name: ByteRange) -> KnownHeader {
        switch name.count {
        case 2: self.matched(bytes, name, "te", .te)
        case 7: self.matched(bytes, name, "trailer", .trailer)
        case 10: self.matched(bytes, name, "tracestate", .tracestate)
        case 11: self.matched(bytes, name, "traceparent", .traceparent)
        case 17: self.matched(bytes, name, "transfer-encoding", .transferEncoding)
        default: .other
        }
    }

    @inline(__always)
    private static func namedX(_ bytes: UnsafeRawBufferPointer, _ name: ByteRange) -> KnownHeader {
        let exact: KnownHeader
        switch name.count {
        case 9:
            exact =
                self.matched(bytes, name, "x-mm-hops", .hops) == .hops
                ? .hops : self.matched(bytes, name, "x-api-key", .apiKey)
        case 10: exact = self.matched(bytes, name, "x-mm-epoch", .epoch)
        case 12: exact = self.matched(bytes, name, "x-request-id", .requestID)
        case 13: exact = self.matched(bytes, name, "x-mm-hash-key", .hashKey)
        case 15: exact = self.matched(bytes, name, "x-mm-timeout-ms", .timeoutMilliseconds)
        case 16: exact = self.matched(bytes, name, "x-mm-max-retries", .retriesMax)
        default: exact = .other
        }
        return exact == .other ? self.longNamed(bytes, name) : exact
    }

    /// `x-mm-` is ours, whatever follows: callers and services cannot speak in the manager's name.
    @inline(__always)
    private static func longNamed(_ bytes: UnsafeRawBufferPointer, _ name: ByteRange) -> KnownHeader {
        guard name.count >= 5, name.end <= bytes.count else { return .other }
        let start = ByteRange(from: name.offset, to: name.offset &+ 5)
        return HeaderBytes.equals(bytes, start, "x-mm-") ? .otherOfOurs : .other
    }
}
