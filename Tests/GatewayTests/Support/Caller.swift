import NIOCore
import NIOPosix
import Synchronization

/// A caller in bytes: sends what it is told, cut as it is told, and shows every byte that came back.
final class Caller: Sendable {
    struct TimedOut: Error, CustomStringConvertible {
        let description: String
    }

    private struct State {
        var received = ""
        var bytes = 0
        var isClosed = false
    }

    private final class Ear: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        let state: Mutex<State>
        let keepsText: Bool

        init(keepsText: Bool) {
            self.state = Mutex(State())
            self.keepsText = keepsText
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let bytes = self.unwrapInboundIn(data)
            self.state.withLock {
                $0.bytes += bytes.readableBytes
                if self.keepsText { $0.received += String(buffer: bytes) }
            }
        }

        func channelInactive(context: ChannelHandlerContext) { self.state.withLock { $0.isClosed = true } }
        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }

    let channel: any Channel
    private let ear: Ear

    private init(channel: any Channel, ear: Ear) {
        self.channel = channel
        self.ear = ear
    }

    static func connect(port: Int, reads: Bool = true, keepsText: Bool = true) async throws -> Caller {
        let ear = Ear(keepsText: keepsText)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(ChannelOptions.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(ChannelOptions.autoRead, value: reads)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(ear) }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return Caller(channel: channel, ear: ear)
    }

    func send(_ text: String) async throws { try await self.channel.writeAndFlush(ByteBuffer(string: text)).get() }
    func send(_ bytes: [UInt8]) async throws { try await self.channel.writeAndFlush(ByteBuffer(bytes: bytes)).get() }
    /// Does not wait until the bytes are gone.
    func push(_ bytes: ByteBuffer) { self.channel.writeAndFlush(bytes, promise: nil) }
    func startReading() async throws { try await self.channel.setOption(.autoRead, value: true).get() }
    func close() async { try? await self.channel.close() }

    var received: String { self.ear.state.withLock { $0.received } }
    var receivedBytes: Int { self.ear.state.withLock { $0.bytes } }
    var isClosed: Bool { self.ear.state.withLock { $0.isClosed } }

    /// Waits until what came satisfies the condition.
    @discardableResult
    func until(_ what: String, within limit: Duration = .seconds(10), _ holds: (String) -> Bool) async throws -> String
    {
        let end = ContinuousClock.now + limit
        while ContinuousClock.now < end {
            let received = self.received
            if holds(received) { return received }
            try await Task.sleep(for: .milliseconds(2))
        }
        throw TimedOut(description: "waited for \(what), got: \(self.received.debugDescription)")
    }

    /// The answers that are complete by their Content-Length or last chunk, once there are so many.
    @discardableResult
    func answers(_ count: Int, within limit: Duration = .seconds(10)) async throws -> [CallerAnswer] {
        try await self.until("\(count) answers", within: limit) { CallerAnswer.all(in: $0).count >= count }
        return CallerAnswer.all(in: self.received)
    }

    func answer(within limit: Duration = .seconds(10)) async throws -> CallerAnswer {
        try await self.answers(1, within: limit)[0]
    }

    func untilClosed(within limit: Duration = .seconds(10)) async throws {
        try await self.until("the end of the connection", within: limit) { _ in self.isClosed }
    }
}

/// One answer taken apart, as plainly as it goes.
struct CallerAnswer: Equatable {
    var status: Int
    var headers: [String: String]
    var body: String

    subscript(name: String) -> String? { self.headers[name] }

    static func all(in text: String) -> [CallerAnswer] {
        var (rest, answers) = (text[...], [CallerAnswer]())
        while let end = rest.firstRange(of: "\r\n\r\n") {
            let lines = rest[..<end.lowerBound].split(separator: "\r\n")
            guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { break }
            var headers: [String: String] = [:]
            for line in lines.dropFirst() {
                guard let colon = line.firstIndex(of: ":") else { continue }
                let value = line[line.index(after: colon)...].drop { $0 == " " }
                headers[line[..<colon].lowercased()] = String(value)
            }
            rest = rest[end.upperBound...]
            guard let (body, left) = Self.body(headers, rest, status) else { break }
            answers.append(CallerAnswer(status: status, headers: headers, body: body))
            rest = left
        }
        return answers
    }

    private static func body(_ headers: [String: String], _ text: Substring, _ status: Int) -> (String, Substring)? {
        if headers["transfer-encoding"] == "chunked" { return Self.chunks(text) }
        guard let length = headers["content-length"].flatMap({ Int($0) }) else { return ("", text) }
        guard text.utf8.count >= length else { return nil }
        let end = text.utf8.index(text.startIndex, offsetBy: length)
        return (String(text[..<end]), text[end...])
    }

    private static func chunks(_ text: Substring) -> (String, Substring)? {
        var (rest, body) = (text, "")
        while let end = rest.firstRange(of: "\r\n") {
            guard let size = Int(rest[..<end.lowerBound], radix: 16) else { return nil }
            rest = rest[end.upperBound...]
            guard rest.utf8.count >= size + 2 else { return nil }
            let dataEnd = rest.utf8.index(rest.startIndex, offsetBy: size)
            body += rest[..<dataEnd]
            rest = rest[dataEnd...].dropFirst(1)
            if size == 0 { return (body, rest) }
        }
        return nil
    }
}
