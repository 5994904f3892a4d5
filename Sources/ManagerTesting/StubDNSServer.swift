internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// A DNS server on loopback that answers questions for SRV records from a table, over UDP and TCP on one port.
public final class StubDNSServer: Sendable {
    public struct Target: Sendable, Hashable {
        public var priority: UInt16
        public var port: UInt16
        public var host: String

        public init(priority: UInt16 = 0, port: UInt16, host: String) {
            self.priority = priority
            self.port = port
            self.host = host
        }
    }

    /// How it behaves.
    public enum Manner: Sendable, Hashable {
        case answers
        /// Answers over UDP are cut off, so that the caller must come by TCP.
        case truncates
        case isSilent
        /// First an answer with another id, then the true one.
        case isForgedFirst
        case fails
    }

    private let book: StubDNSBook
    private let channels: [any Channel]
    public let port: Int

    private init(book: StubDNSBook, channels: [any Channel], port: Int) {
        self.book = book
        self.channels = channels
        self.port = port
    }

    /// Names with their targets; other names do not exist.
    public static func start(_ table: [String: [Target]], _ manner: Manner = .answers) async throws -> StubDNSServer {
        let group = MultiThreadedEventLoopGroup.singleton
        let book = StubDNSBook(table, manner)
        for _ in 0..<20 {
            let datagram = try await DatagramBootstrap(group: group)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(DatagramQuestions(book))
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            let port = datagram.localAddress?.port ?? 0
            let stream = try? await ServerBootstrap(group: group)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(StreamQuestions(book))
                    }
                }
                .bind(host: "127.0.0.1", port: port).get()
            if let stream { return StubDNSServer(book: book, channels: [datagram, stream], port: port) }
            try await datagram.close()
        }
        throw IOError(errnoCode: 98, reason: "no port is free for both UDP and TCP")
    }

    /// Names asked for, in order.
    public var questions: [String] { self.book.questions }

    public func set(_ table: [String: [Target]], _ manner: Manner = .answers) {
        self.book.set(table, manner)
    }

    public func stop() async {
        for channel in self.channels { try? await channel.close() }
    }
}

/// The table, and the bytes made of it.
private final class StubDNSBook: Sendable {
    private struct State: Sendable {
        var table: [String: [StubDNSServer.Target]]
        var manner: StubDNSServer.Manner
        var questions: [String] = []
    }

    private let state: Mutex<State>

    init(_ table: [String: [StubDNSServer.Target]], _ manner: StubDNSServer.Manner) {
        self.state = Mutex(State(table: table, manner: manner))
    }

    var questions: [String] { self.state.withLock { $0.questions } }

    func set(_ table: [String: [StubDNSServer.Target]], _ manner: StubDNSServer.Manner) {
        self.state.withLock { ($0.table, $0.manner) = (table, manner) }
    }

    /// What is sent for a question, message by message.
    func answers(to question: [UInt8], overTCP: Bool) -> [[UInt8]] {
        let (name, end) = Self.name(in: question)
        let (targets, manner) = self.state.withLock { state in
            state.questions.append(name)
            return (state.table[name], state.manner)
        }
        var flags: UInt16 = 0x8180
        if manner == .isSilent { return [] }
        if manner == .fails { flags |= 2 } else if targets == nil { flags |= 3 }
        let isCut = manner == .truncates && !overTCP
        if isCut { flags |= 0x0200 }
        let records = isCut || manner == .fails ? [] : targets ?? []
        var bytes =
            Array(question[0..<2]) + Self.word(flags) + [0, 1] + Self.word(UInt16(records.count)) + [0, 0, 0, 0]
        bytes += question[12..<min(question.count, end + 4)]
        for record in records {
            let data = [record.priority, 5, record.port].flatMap(Self.word) + Self.encoded(record.host)
            bytes += [0xC0, 12] + [33, 1, 0, 30].flatMap(Self.word) + Self.word(UInt16(data.count)) + data
        }
        guard manner == .isForgedFirst else { return [bytes] }
        var forged = bytes
        forged[1] ^= 0xFF
        return [forged, bytes]
    }

    private static func name(in question: [UInt8]) -> (String, Int) {
        var labels: [String] = []
        var at = 12
        while at < question.count, question[at] != 0 {
            let end = min(question.count, at + 1 + Int(question[at]))
            labels.append(String(decoding: question[(at + 1)..<end], as: UTF8.self))
            at = end
        }
        return (labels.joined(separator: "."), at + 1)
    }

    private static func word(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 0xFF)] }

    private static func encoded(_ name: String) -> [UInt8] {
        name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
    }
}

private final class DatagramQuestions: ChannelInboundHandler {
    typealias InboundIn = AddressedEnvelope<ByteBuffer>

    private let book: StubDNSBook

    init(_ book: StubDNSBook) { self.book = book }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let envelope = self.unwrapInboundIn(data)
        for answer in self.book.answers(to: Array(envelope.data.readableBytesView), overTCP: false) {
            let reply = AddressedEnvelope(remoteAddress: envelope.remoteAddress, data: ByteBuffer(bytes: answer))
            context.writeAndFlush(NIOAny(reply), promise: nil)
        }
    }
}

private final class StreamQuestions: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let book: StubDNSBook
    private var received = ByteBuffer()

    init(_ book: StubDNSBook) { self.book = book }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        self.received.writeImmutableBuffer(self.unwrapInboundIn(data))
        guard let length = self.received.getInteger(at: 0, as: UInt16.self),
            let question = self.received.getBytes(at: 2, length: Int(length))
        else { return }
        for answer in self.book.answers(to: question, overTCP: true) {
            // Byte by byte: the reader must gather.
            for byte in [UInt8(answer.count >> 8), UInt8(answer.count & 0xFF)] + answer {
                context.writeAndFlush(NIOAny(ByteBuffer(bytes: [byte])), promise: nil)
            }
        }
    }
}
