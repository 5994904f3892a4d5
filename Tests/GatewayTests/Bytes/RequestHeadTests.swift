import Gateway
import Testing

@Suite struct `A request head` {
    static let common =
        "POST /predict?x=1 HTTP/1.1\r\nHost: manager:8008\r\nUser-Agent: curl/8\r\nContent-Type: application/json\r\n"
        + "Content-Length: 12\r\nX-Request-Id: abc\r\nX-MM-Timeout-Ms: 250\r\nAuthorization: Bearer t\r\nCookie: a=b\r\n"
        + "X-MM-Anything: 1\r\nTE: trailers\r\nAccept: */*\r\n\r\n"

    static func parse(_ text: String, _ limits: HeadLimits = HeadLimits()) -> HeadResult {
        self.parse(Array(text.utf8), limits)
    }

    static func parse(_ bytes: [UInt8], _ limits: HeadLimits = HeadLimits()) -> HeadResult {
        bytes.withUnsafeBytes { RequestHead.parse($0, limits: limits) }
    }

    static func request(_ lines: String...) -> String {
        (["POST /predict HTTP/1.1", "Host: m"] + lines + ["", ""]).joined(separator: "\r\n")
    }

    @Test func `of the common form is read whole`() throws {
        let bytes = Array(Self.common.utf8)
        guard case .head(let head) = Self.parse(bytes) else {
            Issue.record("\(Self.parse(bytes))")
            return
        }
        func text(_ range: ByteRange) -> String {
            bytes.withUnsafeBytes { String(decoding: range.bytes(of: $0), as: UTF8.self) }
        }
        #expect(head.method == .post)
        #expect(text(head.target) == "/predict?x=1")
        #expect(head.contentLength == 12)
        #expect(head.headBytes == bytes.count)
        #expect(head.keepsAlive && head.hasCredentials)
        #expect(head.headerCount == 11)
        #expect(text(head.host) == "manager:8008")
        #expect(text(head.contentType) == "application/json")
        #expect(text(head.requestID) == "abc")
        #expect(text(head.timeoutMilliseconds) == "250")
        #expect(text(head.authorization) == "Bearer t")
        #expect(text(head.accept) == "*/*")
        #expect(!head.traceparent.isPresent && !head.hashKey.isPresent)
    }

    @Test func `is incomplete at every byte before its end and ignores what follows it`() {
        let bytes = Array(Self.common.utf8)
        for count in 0..<bytes.count { #expect(Self.parse(Array(bytes[..<count])) == .incomplete) }
        #expect(Self.parse(bytes + Array("\0garbage".utf8)) == Self.parse(bytes))
    }

    @Test(arguments: [
        (
            false,
            "User-Agent: curl/8\r\nContent-Type: application/json\r\nAuthorization: Bearer t\r\nCookie: a=b\r\nAccept: */*\r\n"
        ),
        (true, "User-Agent: curl/8\r\nContent-Type: application/json\r\nAccept: */*\r\n"),
    ])
    func `goes on without what ends here`(dropCredentials: Bool, expected: String) {
        let bytes = Array(Self.common.utf8)
        guard case .head(let head) = Self.parse(bytes) else {
            Issue.record("no head")
            return
        }
        var target = [UInt8](repeating: 0, count: head.forwardableBytesMax)
        let count = bytes.withUnsafeBytes { source in
            target.withUnsafeMutableBytes {
                head.copyForwardable(of: source, into: $0, dropCredentials: dropCredentials)
            }
        }
        #expect(String(decoding: target.prefix(max(count, 0)), as: UTF8.self) == expected)
        var small = [UInt8](repeating: 0, count: expected.utf8.count - 1)
        let refused = bytes.withUnsafeBytes { source in
            small.withUnsafeMutableBytes {
                head.copyForwardable(of: source, into: $0, dropCredentials: dropCredentials)
            }
        }
        #expect(refused == -1)
    }

    @Test(arguments: [
        ("GET / HTTP/1.1\r\nHost: m\r\n\r\n", RequestHead.Method.get, -1, true),
        ("POST /predict HTTP/1.1\r\nhost:m\r\ncontent-length:0\r\n\r\n", .post, 0, true),
        ("POST /p HTTP/1.1\r\nHost: [::1]:80  \r\nConnection: Close\r\n\r\n", .post, -1, false),
        ("POST /p HTTP/1.1\r\nHost: m\r\nConnection: keep-alive\r\nX-Empty:\r\n\r\n", .post, -1, true),
    ])
    func `may look like this`(text: String, method: RequestHead.Method, length: Int, keepsAlive: Bool) {
        guard case .head(let head) = Self.parse(text) else {
            Issue.record("\(Self.parse(text))")
            return
        }
        #expect(head.method == method && head.contentLength == length && head.keepsAlive == keepsAlive)
        #expect(head.headBytes == text.utf8.count)
    }

    static let unusual: [(String, RequestHead.Unusual)] = [
        ("PUT /predict HTTP/1.1\r\n", .method),
        ("post /predict HTTP/1.1\r\n", .method),
        ("\r\nPOST / HTTP/1.1\r\n", .method),
        ("PRI * HTTP/2.0\r\n", .method),
        ("\u{16}\u{3}\u{1}", .method),
        ("POST http://m/predict HTTP/1.1\r\n", .target),
        ("POST * HTTP/1.1\r\n", .target),
        ("POST /a#b HTTP/1.1\r\n", .target),
        ("POST /a\tb HTTP/1.1\r\n", .target),
        ("POST /é HTTP/1.1\r\n", .target),
        ("POST /a\r\n", .target),
        ("POST /a HTTP/1.0\r\n", .version),
        ("POST /a  HTTP/1.1\r\n", .version),
        ("POST /a HTTP/1.1\n", .version),
        ("POST /a HTTP/1.1 \r\n", .version),
        (request("Content-Length: 1", "Content-Length: 1"), .repeatedHeader),
        (request("Content-Length: 1, 1"), .contentLength),
        (request("Content-Length: +1"), .contentLength),
        (request("Content-Length: 01"), .contentLength),
        (request("Content-Length: 0x1"), .contentLength),
        (request("Content-Length:"), .contentLength),
        (request("Content-Length: 1 2"), .contentLength),
        (request("Content-Length: 9999999999999999999"), .contentLength),
        (request("Transfer-Encoding: chunked"), .transferEncoding),
        (request("tRANSFER-eNCODING: identity"), .transferEncoding),
        (request("Content-Encoding: gzip"), .contentEncoding),
        (request("Expect: 100-continue"), .expect),
        (request("Upgrade: websocket"), .upgrade),
        (request("HTTP2-Settings: x"), .upgrade),
        (request("Connection: close, X-Secret"), .connection),
        (request("Connection: upgrade"), .connection),
        (request("Connection:"), .connection),
        (request("Proxy-Connection: close"), .connection),
        (request("Host: other"), .repeatedHeader),
        (request("X-Request-Id: a", "x-request-id: b"), .repeatedHeader),
        (request("Transfer-Encoding : chunked"), .headerName),
        (request("Na me: x"), .headerName),
        (request(": x"), .headerName),
        (request("X(y): z"), .headerName),
        (request("X-A: b", " folded: c"), .foldedLine),
        (request("X-A: b\u{0}"), .headerValue),
        (request("X-A: é"), .headerValue),
        (request("X-A: a\tb"), .headerValue),
        (request("X-A: b\nContent-Length: 3"), .lineEnd),
        (request("X-A: b\rContent-Length: 3"), .lineEnd),
        ("POST / HTTP/1.1\r\nHost: m\r\n\rX", .lineEnd),
        ("POST / HTTP/1.1\r\nX-A: b\r\n\r\n", .host),
        ("POST / HTTP/1.1\r\nHost: \r\n\r\n", .host),
        ("POST / HTTP/1.1\r\nHost: a,b\r\n\r\n", .host),
        ("POST / HTTP/1.1\r\nHost: u@m\r\n\r\n", .host),
    ]

    @Test(arguments: unusual) func `is left to the general path`(text: String, reason: RequestHead.Unusual) {
        #expect(Self.parse(text) == .unusual(reason))
    }

    @Test func `beyond the limits is too large`() {
        let long = String(repeating: "a", count: 8192)
        #expect(Self.parse(Self.request("X: \(long)")) == .tooLarge)
        #expect(Self.parse("POST /p HTTP/1.1\r\nHost: m\r\nX: \(long)") == .tooLarge)
        #expect(Self.parse("POST /\(long)") == .tooLarge)
        #expect(Self.parse("POST /p HTTP/1.1\r\n\(long)a") == .tooLarge)
        let many = (1...100).map { "X-\($0): y" }.joined(separator: "\r\n")
        #expect(Self.parse(Self.request(many)) == .tooLarge)
        let fits = (1...99).map { "X-\($0): y" }.joined(separator: "\r\n")
        guard case .head = Self.parse(Self.request(fits)) else {
            Issue.record("100 headers must fit")
            return
        }
        let medium = String(repeating: "b", count: 7000)
        let sum = (1...5).map { "X-\($0): \(medium)" }.joined(separator: "\r\n")
        #expect(Self.parse(Self.request(sum)) == .tooLarge)
    }

    @Test func `of exactly the largest size fits, one byte more does not`() {
        let text = Self.request("X: y")
        let exact = HeadLimits(headBytesMax: text.utf8.count)
        guard case .head = Self.parse(text, exact) else {
            Issue.record("must fit")
            return
        }
        #expect(Self.parse(text, HeadLimits(headBytesMax: text.utf8.count - 1)) == .tooLarge)
    }

    @Test func `that drips in is parsed again only when an empty line has come`() {
        let bytes = Array(Self.common.utf8)
        bytes.withUnsafeBytes { whole in
            for count in 1..<bytes.count {
                let part = UnsafeRawBufferPointer(rebasing: whole[..<count])
                #expect(!RequestHead.mayBeComplete(part, from: count - 1))
            }
            for start in 0..<bytes.count { #expect(RequestHead.mayBeComplete(whole, from: start)) }
        }
    }

    @Test func `names every header it knows, in any case`() {
        let known: [(String, KnownHeader)] = [
            ("Proxy-Authorization", .proxyAuthorization), ("Accept", .accept),
            ("PROXY-AUTHENTICATE", .proxyAuthenticate), ("keep-alive", .keepAlive), ("Trailer", .trailer),
            ("traceparent", .traceparent), ("tracestate", .tracestate), ("x-mm-hops", .hops), ("x-api-key", .apiKey),
            ("x-mm-epoch", .epoch), ("x-mm-hash-key", .hashKey), ("x-mm-max-retries", .retriesMax), ("Via", .via),
            ("x-mm-", .otherOfOurs), ("x-mm-a-very-long-name-of-ours", .otherOfOurs), ("retry-after", .retryAfter),
            ("x-mx-hops", .other), ("vib", .other), ("T", .other), ("te", .te), ("accept-encoding", .other),
        ]
        for (name, header) in known {
            let bytes = Array(Self.request("\(name): v").utf8)
            guard case .head(let head) = Self.parse(bytes) else {
                Issue.record("\(name): \(Self.parse(bytes))")
                continue
            }
            let last = bytes.withUnsafeBytes { buffer -> KnownHeader? in
                var lines = head.lines(of: buffer)
                var last: KnownHeader?
                while let line = lines.nextLine() { last = line.header }
                return last
            }
            #expect(last == header, "\(name)")
        }
    }
}
