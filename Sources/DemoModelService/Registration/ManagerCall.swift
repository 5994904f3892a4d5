import Foundation
import NIOCore
import NIOPosix

/// One `POST` to the manager on a connection of its own, of which only the status is wanted.
struct ManagerCall: Sendable {
    enum Failure: Error { case noAnswer }

    private static let deadline = TimeAmount.seconds(5)
    private static let answerBytesMax = 65_536

    let manager: ManagerAddress
    let path: String
    let body: Data

    func status() async throws -> Int {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton).connectTimeout(Self.deadline)
        let connection = try await bootstrap.connect(host: self.manager.host, port: self.manager.port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
        let channel = connection.channel
        let alarm = channel.eventLoop.scheduleTask(in: Self.deadline) { channel.close(promise: nil) }
        defer { alarm.cancel() }
        return try await connection.executeThenClose { inbound, outbound in
            try await outbound.write(self.request)
            var answer = ByteBuffer()
            for try await var piece in inbound where answer.readableBytes < Self.answerBytesMax {
                answer.writeBuffer(&piece)
            }
            return try Self.status(of: answer)
        }
    }

    private var request: ByteBuffer {
        let head = [
            "POST \(self.manager.prefix)\(self.path) HTTP/1.1", "Host: \(self.manager.host):\(self.manager.port)",
            "Content-Type: application/json", "Content-Length: \(self.body.count)", "Connection: close", "", "",
        ]
        var buffer = ByteBuffer(string: head.joined(separator: "\r\n"))
        buffer.writeBytes(self.body)
        return buffer
    }

    /// Reads `HTTP/1.1 201 …`.
    static func status(of answer: ByteBuffer) throws(Failure) -> Int {
        let words = String(buffer: answer).prefix(64).split(separator: " ")
        guard words.count > 1, words[0].hasPrefix("HTTP/1."), let status = Int(words[1]) else { throw .noAnswer }
        return status
    }
}
