import Foundation
import NIOCore
import NIOPosix

/// A small HTTP client for tests: one request per connection, blocking sockets on a thread of their own, nothing hidden.
public struct PlainClient: Sendable {
    public struct Answer: Sendable {
        public var status: Int
        public var headers: [String: String]
        public var body: String
    }

    public struct Failure: Error, CustomStringConvertible {
        public var description: String
    }

    /// More than the cores: a test may have many slow requests under way, and those of others must not wait for them.
    private static let threads: NIOThreadPool = {
        let threads = NIOThreadPool(numberOfThreads: 32)
        threads.start()
        return threads
    }()

    private let host: String
    private let port: Int
    private let timeoutSeconds: Int

    /// The `url` is such as `http://127.0.0.1:8008`.
    public init(_ url: String, timeoutSeconds: Int = 60) {
        let components = URLComponents(string: url)
        self.host = components?.host ?? "127.0.0.1"
        self.port = components?.port ?? 80
        self.timeoutSeconds = timeoutSeconds
    }

    public func get(_ path: String) async throws -> Answer {
        try await self.send("GET", path)
    }

    public func post(_ path: String, _ body: String, headers: [String] = []) async throws -> Answer {
        try await self.send("POST", path, body: body, headers: headers)
    }

    public func send(_ method: String, _ path: String, body: String? = nil, headers: [String] = []) async throws
        -> Answer
    {
        var head = "\(method) \(path) HTTP/1.1\r\nhost: \(self.host):\(self.port)\r\nconnection: close\r\n"
        if let body { head += "content-type: application/json\r\ncontent-length: \(body.utf8.count)\r\n" }
        for header in headers { head += header + "\r\n" }
        let request = head + "\r\n" + (body ?? "")
        return try await Self.threads.runIfActive { try Self.parse(self.exchange(Array(request.utf8))) }
    }

    private func exchange(_ request: [UInt8]) throws -> [UInt8] {
        let address = try SocketAddress(ipAddress: self.host, port: self.port)
        let descriptor = try BlockingSocket.connected(to: address, seconds: self.timeoutSeconds)
        defer { close(descriptor) }
        try Self.sendAll(request, to: descriptor)
        return try Self.readToEnd(of: descriptor)
    }

    private static func sendAll(_ bytes: [UInt8], to descriptor: Int32) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
                Foundation.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return }  // the answer may stand in the socket already
            sent += count
        }
    }

    private static func readToEnd(of descriptor: Int32) throws -> [UInt8] {
        var received: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 65536)
        while true {
            let count = recv(descriptor, &piece, piece.count, 0)
            if count > 0 { received += piece[..<count] }
            if count == 0 { return received }
            if count < 0 {
                guard received.isEmpty else { return received }
                throw Failure(description: "receive: \(errno)")
            }
        }
    }

    private static func parse(_ bytes: [UInt8]) throws -> Answer {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else { throw Failure(description: "no answer: \(text.prefix(200))") }
        let lines = text[..<end.lowerBound].components(separatedBy: "\r\n")
        guard let status = Int(lines[0].split(separator: " ").dropFirst().first ?? "") else {
            throw Failure(description: "no status: \(lines[0])")
        }
        var headers: [String: String] = [:]
        for line in lines.dropFirst() {
            guard let colon = line.firstIndex(of: ":") else { continue }
            headers[line[..<colon].lowercased()] = line[line.index(after: colon)...].trimmingCharacters(
                in: .whitespaces
            )
        }
        var body = String(text[end.upperBound...])
        if headers["transfer-encoding"]?.lowercased() == "chunked" { body = self.joinedChunks(body) }
        return Answer(status: status, headers: headers, body: body)
    }

    private static func joinedChunks(_ text: String) -> String {
        var (rest, joined) = (Array(text.utf8)[...], [UInt8]())
        while let line = rest.firstIndex(of: 10),
            let size = Int(
                String(decoding: rest[..<line], as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines),
                radix: 16
            ), size > 0
        {
            let start = line + 1
            guard start + size <= rest.endIndex else { break }
            joined += rest[start..<(start + size)]
            rest = rest[min(start + size + 2, rest.endIndex)...]
        }
        return String(decoding: joined, as: UTF8.self)
    }
}
