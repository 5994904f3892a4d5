import Gateway
import Testing

@Suite struct `An answer's head` {
    static func parse(_ text: String, answersHead: Bool = false) -> ResponseHeadResult {
        self.parse(Array(text.utf8), answersHead: answersHead)
    }

    static func parse(_ bytes: [UInt8], answersHead: Bool = false) -> ResponseHeadResult {
        bytes.withUnsafeBytes { ResponseHead.parse($0, limits: HeadLimits(), answersHead: answersHead) }
    }

    struct Case: Sendable, CustomTestStringConvertible {
        var text: String
        var framing: ResponseHead.Framing
        var keepsAlive: Bool
        var testDescription: String { self.text.debugDescription }

        init(_ text: String, _ framing: ResponseHead.Framing, keepsAlive: Bool) {
            self.text = text + "\r\n"
            self.framing = framing
            self.keepsAlive = keepsAlive
        }
    }

    @Test(arguments: [
        Case("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", .contentLength(5), keepsAlive: true),
        Case("HTTP/1.1 200 \r\nContent-Length: 5\r\n", .contentLength(5), keepsAlive: true),
        Case("HTTP/1.1 200\r\nContent-Length: 5\r\n", .contentLength(5), keepsAlive: true),
        Case("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n", .contentLength(5), keepsAlive: true),
        Case("HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n", .chunked, keepsAlive: true),
        Case("HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n", .chunked, keepsAlive: false),
        Case("HTTP/1.1 200 OK\r\n", .untilClose, keepsAlive: false),
        Case("HTTP/1.0 200 OK\r\nContent-Length: 5\r\n", .contentLength(5), keepsAlive: false),
        Case("HTTP/1.0 200 OK\r\nContent-Length: 5\r\nConnection: Keep-Alive\r\n", .contentLength(5), keepsAlive: true),
        Case("HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\n", .untilClose, keepsAlive: false),
        Case("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n", .none, keepsAlive: true),
        Case("HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n", .none, keepsAlive: true),
        Case("HTTP/1.1 100 Continue\r\n", .none, keepsAlive: true),
        Case("HTTP/1.1 200 caf\u{e9}\tx\r\nX: \u{e9}\t\r\nContent-Length: 1\r\n", .contentLength(1), keepsAlive: true),
    ])
    func `says where the body ends`(example: Case) {
        let bytes = Array(example.text.utf8)
        guard case .head(let head) = Self.parse(bytes) else {
            Issue.record("\(Self.parse(bytes))")
            return
        }
        #expect(head.framing == example.framing)
        #expect(head.keepsAlive == example.keepsAlive)
        #expect(head.headBytes == bytes.count)
        for count in 0..<bytes.count { #expect(Self.parse(Array(bytes[..<count])) == .incomplete, "\(count)") }
    }

    @Test func `to HEAD has no body`() {
        guard case .head(let head) = Self.parse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", answersHead: true)
        else {
            Issue.record("no head")
            return
        }
        #expect(head.framing == .none && head.keepsAlive)
    }

    @Test(arguments: [
        ("ICY 200 OK\r\n", ResponseHead.Invalid.statusLine),
        ("HTTP/2.0 200 OK\r\n\r\n", .statusLine),
        ("HTTP/1.2 200 OK\r\n\r\n", .version),
        ("HTTP/1.1 20 OK\r\n\r\n", .status),
        ("HTTP/1.1 2000 OK\r\n\r\n", .status),
        ("HTTP/1.1  200 OK\r\n\r\n", .status),
        ("HTTP/1.1 099 OK\r\n\r\n", .status),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", .switchingProtocols),
        ("HTTP/1.1 200 OK\nContent-Length: 5\n\n", .lineEnd),
        ("HTTP/1.1 200 OK\r\nX: y\n\r\n", .lineEnd),
        ("HTTP/1.1 200 OK\r\nX: y\rz\r\n\r\n", .lineEnd),
        ("HTTP/1.1 200 OK\r\nX: y\u{0}\r\n\r\n", .headerValue),
        ("HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n", .foldedLine),
        ("HTTP/1.1 200 OK\r\nX y: z\r\n\r\n", .headerName),
        ("HTTP/1.1 200 OK\r\nContent-Length : 5\r\n\r\n", .headerName),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", .contentLength),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\n", .contentLength),
        ("HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n", .contentLength),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", .bothLengths),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .transferEncoding),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncoding),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", .transferEncoding),
        ("HTTP/1.1 200 OK\r\nX: \(String(repeating: "y", count: 8192))", .tooLarge),
    ])
    func `is refused when two readers could disagree`(text: String, reason: ResponseHead.Invalid) {
        #expect(Self.parse(text) == .invalid(reason))
    }

    @Test(arguments: [
        ("Retry-After: 7", true, 7), ("Retry-After: Mon, 23 Nov 2026 06:00:00 GMT", true, -1), ("X: y", false, -1),
    ])
    func `tells how long to wait`(line: String, has: Bool, seconds: Int) {
        guard case .head(let head) = Self.parse("HTTP/1.1 503 Busy\r\n\(line)\r\n\r\n") else {
            Issue.record("no head")
            return
        }
        #expect(head.hasRetryAfter == has && head.retryAfterSeconds == seconds && head.status == 503)
    }

    @Test(arguments: [
        (
            "HTTP/1.1 200 OK\r\nServer: s\r\nContent-Length: 2\r\nConnection: keep-alive, X-Hop , x-other\r\nx-hop: 1\r\n"
                + "Keep-Alive: timeout=5\r\nX-OTHER: 2\r\nX-MM-Service: forged\r\nx-request-id: forged\r\nSet-Cookie: a\r\n"
                + "Content-Length: 2\r\n\r\n",
            "Server: s\r\nContent-Length: 2\r\nSet-Cookie: a\r\n"
        ),
        (
            "HTTP/1.1 200 OK\r\nConnection: content-length\r\nContent-Length: 2\r\n\r\n", "Content-Length: 2\r\n"
        ),
        ("HTTP/1.1 204 No\r\nContent-Length: 2\r\nX: y\r\n\r\n", "X: y\r\n"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\nX: \té\t\r\n\r\n", "X: \té\t\r\n"),
        ("HTTP/1.1 200 OK\r\n\r\n", ""),
    ])
    func `goes back without what ends here`(text: String, expected: String) {
        let bytes = Array(text.utf8)
        guard case .head(let head) = Self.parse(bytes) else {
            Issue.record("no head")
            return
        }
        var target = [UInt8](repeating: 0, count: head.forwardableBytesMax)
        let count = bytes.withUnsafeBytes { source in
            target.withUnsafeMutableBytes { head.copyForwardable(of: source, into: $0) }
        }
        #expect(String(decoding: target.prefix(max(count, 0)), as: UTF8.self) == expected)
    }
}
