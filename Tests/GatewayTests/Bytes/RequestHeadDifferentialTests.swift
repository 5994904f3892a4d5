import Gateway
import ManagerTesting
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

/// The two doors read the same bytes the same way: whatever the fast parser accepts, NIO's decoder (llhttp) must
/// understand alike. Where they differ, a caller could smuggle a request past one of them.
@Suite struct `The two doors` {
    static let sentinel = "GET /sentinel HTTP/1.1\r\nHost: s\r\n\r\n"

    @Test(arguments: SeededRandom.runs(4))
    func `understand every accepted request alike`(seed: SeededRandom) throws {
        var random = seed
        var accepted = 0
        for _ in 0..<8000 {
            let bytes = Self.request(&random)
            let result = bytes.withUnsafeBytes { RequestHead.parse($0, limits: HeadLimits()) }
            guard case .head(let head) = result else { continue }
            accepted += 1
            let difference = try Self.difference(bytes, head)
            #expect(difference == nil, "\(seed) \(String(decoding: bytes, as: UTF8.self).debugDescription)")
        }
        #expect(accepted > 800, "too few accepted to mean anything")
    }

    @Test func `would be seen to differ`() throws {
        let bytes = Array("POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 1\r\n\r\nabc".utf8)
        guard case .head(var head) = bytes.withUnsafeBytes({ RequestHead.parse($0, limits: HeadLimits()) }) else {
            Issue.record("no head")
            return
        }
        #expect(try Self.difference(bytes, head) == nil)
        let other = Array("POST / HTTP/1.1\r\nHost: m\r\nContent-Length: 3\r\n\r\nabc".utf8)
        #expect(try Self.difference(other, head) != nil)
        let cut = Array("GET /x HTTP/1.1\r\nHost: m\r\nX: y\r\n\r\n".utf8)
        guard case .head(let shorter) = cut.withUnsafeBytes({ RequestHead.parse($0, limits: HeadLimits()) }) else {
            Issue.record("no head")
            return
        }
        head = shorter
        #expect(try Self.difference(bytes, head) != nil)
    }

    // MARK: Requests

    static let bases = [
        "POST /predict HTTP/1.1\r\nHost: m:8008\r\nContent-Type: application/json\r\nContent-Length: 14\r\nAccept: */*\r\n\r\n"
            + #"{"data":[1,2]}"#,
        "POST /predict?a=b%20c HTTP/1.1\r\nhost:m\r\nconnection: close\r\ncontent-length:   3  \r\nX-MM-Epoch: 5\r\n\r\nGET",
        "GET /health HTTP/1.1\r\nHost: [::1]:80\r\nUser-Agent: x/1 (y; z)\r\nX-Empty:\r\nConnection: keep-alive\r\n\r\n",
        "POST /p HTTP/1.1\r\nHost: m\r\nContent-Length: 0\r\nCookie: a=b\r\nTE: trailers\r\nKeep-Alive: timeout=5\r\n\r\n",
    ]

    static let pieces: [String] = [
        "\r\n", "\n", "\r", " ", "\t", "\u{0}", ":", ",", ";", "\"", "0", "1", "chunked", "\u{B}", "\u{C}", "\u{7F}",
        "é",
        "Content-Length: 5\r\n", "Content-Length: 14\r\n", "content-length:0\r\n", "Content-Length : 5\r\n",
        "Transfer-Encoding: chunked\r\n", "Transfer-Encoding:\r\n chunked\r\n", "Transfer-Encoding: x\r\n",
        "Transfer-Encoding\t: chunked\r\n", "Transfer_Encoding: chunked\r\n", "X-A: b\r\n", " folded\r\n", "X: \r\n",
        "Connection: close\r\n", "Connection: keep-alive\r\n", "Proxy-Connection: close\r\n", "Upgrade: h2c\r\n",
        "Expect: 100-continue\r\n", "Host: n\r\n", "\r\n\r\n", "GET / HTTP/1.1\r\n", "HTTP/1.0", "#", "/", "//", "?",
        "*",
        "X-\u{1}: b\r\n", "X-A: \u{1}\r\n", "X-A: é\r\n", "+", "-", "0x", "00", "99999999999999999999", "{", "|", "\\",
        "^", "`",
    ]

    static func request(_ random: inout SeededRandom) -> [UInt8] {
        var bytes = Array((Self.bases.randomElement(using: &random) ?? "").utf8)
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            let piece = Array((Self.pieces.randomElement(using: &random) ?? "").utf8)
            switch Int.random(in: 0..<6, using: &random) {
            case 0: bytes.insert(contentsOf: piece, at: place)
            case 1: bytes.removeSubrange(place..<min(place + Int.random(in: 1...4, using: &random), bytes.count))
            case 2: bytes.replaceSubrange(place...place, with: piece)
            case 3: bytes[place] = UInt8.random(in: 0...255, using: &random)
            case 4: bytes[place] ^= 0x20
            default: bytes.insert(contentsOf: piece, at: Self.lineStart(bytes, &random))
            }
        }
        return bytes
    }

    /// Behind a random line end of the head.
    static func lineStart(_ bytes: [UInt8], _ random: inout SeededRandom) -> Int {
        let ends = bytes.indices.filter { bytes[$0] == UInt8(ascii: "\n") }
        return (ends.randomElement(using: &random) ?? -1) + 1
    }

    // MARK: The second opinion

    /// What llhttp sees otherwise than `head` says; nil when they agree. The body is cut or filled up to the length
    /// that the fast parser believes in, and another request follows it.
    static func difference(_ bytes: [UInt8], _ head: RequestHead) throws -> String? {
        let length = max(head.contentLength, 0)
        let isWhole = length <= 1000
        var body = Array(bytes[head.headBytes...].prefix(length))
        if isWhole { body += [UInt8](repeating: UInt8(ascii: "G"), count: length - body.count) }
        let channel = EmbeddedChannel(handler: ByteToMessageHandler(HTTPRequestDecoder()))
        defer { _ = try? channel.finish(acceptAlreadyClosed: true) }
        var buffer = channel.allocator.buffer(bytes: bytes[..<head.headBytes])
        buffer.writeBytes(body)
        if isWhole, head.keepsAlive { buffer.writeString(Self.sentinel) }
        do {
            try channel.writeInbound(buffer)
        } catch {
            return "llhttp refuses it: \(error)"
        }
        guard case .head(let seen)? = try channel.readInbound(as: HTTPServerRequestPart.self) else { return "no head" }
        if let difference = Self.difference(of: seen, head, bytes) { return difference }
        return try Self.difference(afterHead: channel, body: body, isWhole: isWhole, keepsAlive: head.keepsAlive)
    }

    static func difference(of seen: HTTPRequestHead, _ head: RequestHead, _ bytes: [UInt8]) -> String? {
        func text(_ range: ByteRange) -> String {
            bytes.withUnsafeBytes { String(decoding: range.bytes(of: $0), as: UTF8.self) }
        }
        guard seen.method == (head.method == .post ? .POST : .GET) else { return "method \(seen.method)" }
        guard seen.uri == text(head.target) else { return "target \(seen.uri)" }
        guard seen.version == .http1_1 else { return "version \(seen.version)" }
        guard seen.isKeepAlive == head.keepsAlive else { return "keep-alive \(seen.isKeepAlive)" }
        let ours = bytes.withUnsafeBytes { buffer -> [String] in
            var lines = head.lines(of: buffer)
            var all: [String] = []
            while let line = lines.nextLine() { all.append("\(text(line.name)):\(text(line.value))") }
            return all
        }
        let theirs = seen.headers.map { "\($0.name):\($0.value.trimmingBlanks)" }
        return ours == theirs && ours.count == head.headerCount ? nil : "headers \(theirs) not \(ours)"
    }

    static func difference(
        afterHead channel: EmbeddedChannel,
        body: [UInt8],
        isWhole: Bool,
        keepsAlive: Bool
    ) throws -> String? {
        var seenBody: [UInt8] = []
        var hasEnded = false
        var next: HTTPRequestHead?
        while let part = try channel.readInbound(as: HTTPServerRequestPart.self) {
            switch part {
            case .body(let data): seenBody += data.readableBytesView
            case .end: hasEnded = true
            case .head(let head): next = head
            }
        }
        guard seenBody == body else { return "a body of \(seenBody.count) bytes instead of \(body.count)" }
        guard isWhole else { return hasEnded ? "it ends early" : nil }
        guard hasEnded else { return "it does not end" }
        return keepsAlive && next?.uri != "/sentinel" ? "another next request: \(next?.uri ?? "none")" : nil
    }
}

extension String {
    fileprivate var trimmingBlanks: String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        return String(self.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    }
}
