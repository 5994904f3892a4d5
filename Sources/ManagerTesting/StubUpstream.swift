internal import Glibc
public import NIOCore
internal import NIOPosix

/// A model service made of a script: a real listening socket that does to each request exactly what the test says.
///
/// It speaks in bytes, not in HTTP, so that it can break every rule. What it received is kept for the test to look at.
public final class StubUpstream: Sendable {
    /// One thing the stub does on a connection, in order.
    public enum Step: Sendable {
        case send(String)
        case sendBytes([UInt8])
        /// Goes on after the time.
        case pause(Duration)
        /// Goes on when the test calls `release`.
        case hold
        /// Closes the connection in good order.
        case close
        /// Closes it with a reset.
        case reset
        /// Reads the next request on this connection.
        case next
        /// Tells the test that the step before is done.
        case tell(@Sendable () -> Void)
    }

    /// What to do for a request, given its number (from 0, over all connections) and all of its bytes.
    public typealias Script = @Sendable (_ number: Int, _ request: String) -> [Step]

    private let record: StubRecord
    private let server: any Channel
    private let host: String
    private let place: RefusingPort

    private init(server: any Channel, host: String, place: RefusingPort, record: StubRecord) {
        self.server = server
        self.host = host
        self.place = place
        self.record = record
    }

    /// Listens on a free port of the loopback interface. Without `readsRequests` what callers send stays unread, so that a
    /// large request gets stuck. `prepare` adds to a connection what comes between the socket and the script, such as TLS.
    public static func start(
        host: String = "127.0.0.1",
        readsRequests: Bool = true,
        prepare: @escaping @Sendable (any Channel) throws -> Void = { _ in },
        _ script: @escaping Script
    ) async throws -> StubUpstream {
        let (record, place) = (StubRecord(), try RefusingPort(host: host))
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(ChannelOptions.socketOption(.init(rawValue: SO_REUSEPORT)), value: 1)
            .childChannelOption(ChannelOptions.autoRead, value: readsRequests)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try prepare(channel)
                    try channel.pipeline.syncOperations.addHandler(StubConnection(record: record, script: script))
                }
            }
            .bind(host: host, port: place.number).get()
        return StubUpstream(server: server, host: host, place: place, record: record)
    }

    /// Always the same answer, keep-alive.
    public static func answering(_ answer: String) async throws -> StubUpstream {
        try await self.start { _, _ in [.send(answer), .next] }
    }

    /// A complete answer with a JSON body.
    public static func json(_ body: String, status: String = "200 OK", headers: String = "") -> String {
        "HTTP/1.1 \(status)\r\ncontent-type: application/json\r\n\(headers)content-length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    public var port: Int { self.place.number }
    public var url: String {
        let host = self.host.contains(":") ? "[\(self.host)]" : self.host
        return "http://\(host):\(self.port)"
    }

    /// All requests so far, each with all of its bytes.
    public var requests: [String] { self.record.requests }
    public var connections: Int { self.record.connections }
    /// What the kernel has taken of the stub's answers.
    public var sentBytes: Int { self.record.sentBytes }

    /// Waits until the kernel has taken nothing more for a while: whoever should read has stopped reading.
    public func untilQuiet() async throws {
        var (last, quiet) = (-1, 0)
        while quiet < 20 {
            try await Task.sleep(for: .milliseconds(20))
            quiet = self.sentBytes == last && last > 0 ? quiet + 1 : 0
            last = self.sentBytes
        }
    }

    public var openConnections: Int { self.record.open }

    /// Lets everything go on that holds, now and in the future.
    public func release() { self.record.release() }

    /// Stops listening and resets every connection, as a killed process does. Nobody else gets the port while the test
    /// program runs: who calls it is refused.
    public func kill() async {
        try? await self.server.close()
        self.record.resetAll()
    }

    /// Stops listening and resets every connection; the port is anybody's.
    public func stop() async {
        await self.kill()
        self.place.free()
    }
}
