import Foundation
import NIOCore
import NIOPosix

/// Sends bytes on a connection of its own and reports all that came back and how it ended.
enum RawExchange {
    enum Ending: Sendable, Equatable { case closed, reset, deadline }

    struct Report: Sendable {
        var received: String
        var ending: Ending
        var pieces: Int

        var head: String { self.received.components(separatedBy: "\r\n\r\n").first ?? "" }
        var body: String { self.received.components(separatedBy: "\r\n\r\n").dropFirst().joined() }
        var promisedBytes: Int? {
            let line = self.head.split(separator: "\r\n").first { $0.lowercased().hasPrefix("content-length:") }
            return line.flatMap { Int($0.dropFirst("content-length:".count).trimmingCharacters(in: .whitespaces)) }
        }
    }

    static func post(_ path: String, _ body: String, port: Int, within: TimeAmount = .seconds(20)) async throws
        -> Report
    {
        let text =
            "POST \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n"
        return try await self.send(text + body, port: port, within: within)
    }

    static func get(_ path: String, port: Int, within: TimeAmount = .seconds(20)) async throws -> Report {
        let text = "GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        return try await self.send(text, port: port, within: within)
    }

    private static func send(_ text: String, port: Int, within: TimeAmount) async throws -> Report {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let report = loop.makePromise(of: Report.self)
        let channel = try await ClientBootstrap(group: loop)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(report))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        channel.eventLoop.scheduleTask(in: within) { channel.pipeline.fireUserInboundEventTriggered(Ending.deadline) }
        channel.writeAndFlush(ByteBuffer(string: text), promise: nil)
        return try await report.futureResult.get()
    }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let report: EventLoopPromise<Report>
        private var received = ByteBuffer()
        private var pieces = 0
        private var ending = Ending.closed

        init(_ report: EventLoopPromise<Report>) { self.report = report }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var piece = self.unwrapInboundIn(data)
            self.received.writeBuffer(&piece)
            self.pieces += 1
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            if (error as? IOError)?.errnoCode == ECONNRESET { self.ending = .reset }
            context.close(promise: nil)
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            guard case .deadline? = event as? Ending else { return }
            self.ending = .deadline
            context.close(promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) {
            self.report.succeed(
                Report(received: String(buffer: self.received), ending: self.ending, pieces: self.pieces)
            )
        }
    }
}
