import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import RedisClient

/// The handler on a channel without a network, whose clock the test moves.
@Suite struct `A connection` {
    /// The results in the order in which callers got them.
    private final class Results: Sendable {
        private let list = Mutex<[Result<[RedisValue], RedisError>]>([])

        var values: [[RedisValue]?] { self.list.withLock { $0.map { try? $0.get() } } }
        var errors: [RedisError.Code?] { self.list.withLock { $0.map { $0.failure?.code } } }

        func add(_ result: Result<[RedisValue], RedisError>) { self.list.withLock { $0.append(result) } }
    }

    private struct Trial {
        let channel = EmbeddedChannel()
        let results = Results()
        let handler: ConnectionHandler
        let closed: EventLoopFuture<RedisError>

        init(limits: ReplyLimits = ReplyLimits()) throws {
            let promise = self.channel.eventLoop.makePromise(of: RedisError.self)
            let configuration = RedisConfiguration(address: .unixSocket(path: "/s"))
            self.handler = ConnectionHandler(configuration: configuration, limits: limits, closed: promise)
            self.closed = promise.futureResult
            try self.channel.pipeline.syncOperations.addHandler(self.handler)
            try self.channel.connect(to: SocketAddress(unixDomainSocketPath: "/s")).wait()
        }

        func send(_ id: UInt64, _ commands: [[RedisWord]], within: TimeAmount = .milliseconds(500)) {
            let deadline = self.channel.embeddedEventLoop.now + within
            self.handler.send(
                id,
                CommandEncoder.encode(commands),
                commands: commands.count,
                deadline: deadline,
                completion: self.results.add
            )
        }

        func receive(_ text: some StringProtocol) throws {
            try self.channel.writeInbound(ByteBuffer(substring: Substring(text)))
        }
    }

    @Test func `writes what is sent in one turn at once`() throws {
        let trial = try Trial()
        trial.send(1, [["GET", "a"]])
        trial.send(2, [["SET", "b", "\r\n"], ["PING"]])
        trial.channel.embeddedEventLoop.run()
        var written = ""
        while let buffer = try trial.channel.readOutbound(as: ByteBuffer.self) { written += String(buffer: buffer) }
        let expected = [
            "*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$2\r\n\r\n\r\n", "*1\r\n$4\r\nPING\r\n",
        ]
        #expect(written == expected.joined())
    }

    @Test func `hands replies to their callers wherever the bytes are cut`() throws {
        let bytes = "$2\r\n\r\n\r\n*2\r\n+OK\r\n:7\r\n-ERR no\r\n$-1\r\n"
        let characters = Array(bytes.unicodeScalars)
        for cut in 0...characters.count {
            let trial = try Trial()
            trial.send(1, [["A"]])
            trial.send(2, [["B"], ["C"]])
            trial.send(3, [["D"]])
            for piece in [characters[..<cut], characters[cut...]] where !piece.isEmpty {
                try trial.receive(String(String.UnicodeScalarView(piece)))
            }
            #expect(
                trial.results.values == [
                    [.text([13, 10])],
                    [.array([.text(Array("OK".utf8)), .integer(7)]), .error("ERR no")],
                    [.null],
                ]
            )
            #expect(trial.channel.isActive)
            _ = try trial.channel.finish(acceptAlreadyClosed: true)
        }
    }

    @Test func `tells callers at their deadlines, gives late replies to nobody, and closes when they stay away`() throws
    {
        let trial = try Trial()
        trial.send(1, [["A"]], within: .milliseconds(500))
        trial.send(2, [["B"]], within: .milliseconds(100))
        trial.channel.embeddedEventLoop.advanceTime(by: .milliseconds(99))
        #expect(trial.results.errors.isEmpty)
        trial.channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(trial.results.errors == [.deadlineExceeded])
        try trial.receive(":1\r\n:2\r\n")
        #expect(trial.results.values == [nil, [.integer(1)]])
        trial.send(3, [["C"]], within: .milliseconds(100))
        trial.channel.embeddedEventLoop.advanceTime(by: .milliseconds(1099))
        #expect(trial.results.errors.last == .deadlineExceeded)
        #expect(trial.channel.isActive)
        trial.channel.embeddedEventLoop.advanceTime(by: .milliseconds(1))
        #expect(!trial.channel.isActive)
        #expect(try trial.closed.wait().code == .connectionLost)
    }

    @Test func `fails all callers once when the peer closes`() throws {
        let trial = try Trial()
        trial.send(1, [["A"]])
        trial.send(2, [["B"]])
        try trial.receive("$100\r\nhalf a re")
        trial.channel.pipeline.fireChannelInactive()
        #expect(trial.results.errors == [.connectionLost, .connectionLost])
        trial.send(3, [["C"]])
        #expect(trial.results.errors.count == 3)
        trial.channel.embeddedEventLoop.advanceTime(by: .seconds(60))
        #expect(trial.results.errors.count == 3)
    }

    @Test(arguments: ["HTTP/1.1 400 Bad Request\r\n", "*1000001\r\n", ">1\r\n+push\r\n"])
    func `closes on what is no reply, and fails all callers`(bytes: String) throws {
        let trial = try Trial()
        trial.send(1, [["A"]])
        trial.send(2, [["B"]])
        try trial.receive(bytes)
        #expect(trial.results.errors == [.protocolViolation, .protocolViolation])
        #expect(!trial.channel.isActive)
    }

    @Test func `closes on a reply that nobody asked for`() throws {
        let trial = try Trial()
        try trial.receive("+OK\r\n")
        #expect(!trial.channel.isActive)
    }

    @Test func `answers what came before a reply that ends the connection`() throws {
        let trial = try Trial()
        trial.send(1, [["A"]])
        trial.send(2, [["B"]])
        trial.send(3, [["C"]])
        try trial.receive(":1\r\n-READONLY You can't write\r\n:3\r\n")
        #expect(trial.results.values == [[.integer(1)], nil, nil])
        #expect(trial.results.errors == [nil, .readOnly, .connectionLost])
    }

    @Test func `asks a quiet server for a sign of life, and leaves it when none comes`() throws {
        let trial = try Trial()
        trial.handler.beginHeartbeat()
        trial.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        let first = try trial.channel.readOutbound(as: ByteBuffer.self)
        #expect(first.map { String(buffer: $0) } == "*1\r\n$4\r\nPING\r\n")
        try trial.receive("+PONG\r\n")
        trial.channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(try trial.channel.readOutbound(as: ByteBuffer.self) != nil)
        trial.channel.embeddedEventLoop.advanceTime(by: .seconds(2))
        #expect(!trial.channel.isActive)
    }
}

extension Result {
    fileprivate var failure: Failure? {
        guard case .failure(let error) = self else { return nil }
        return error
    }
}
