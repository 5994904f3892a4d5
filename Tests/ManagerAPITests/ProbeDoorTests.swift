import Logging
import ManagerTesting
import NIOPosix
import Testing

@testable import ManagerAPI

/// The listener that may be reachable where the API is not.
@Suite(.timeLimit(.minutes(5))) struct `The probe port` {
    private static let live = "GET /health/live HTTP/1.1\r\nhost: m\r\n\r\n"

    /// Serves on a port of the system's choice for as long as `body` takes.
    private func serving(
        _ settings: (inout FaceSettings) -> Void = { _ in },
        _ body: (Int) async throws -> Void
    ) async throws {
        let log = LogCapture()
        let door = ProbeDoor(
            face: FakeReplica().face(settings),
            host: "127.0.0.1",
            port: 0,
            group: .singleton,
            logger: log.logger()
        )
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await door.run() }
            defer { group.cancelAll() }
            #expect(try await eventually(within: .seconds(30)) { !log.entries.isEmpty })
            let address = log.entries.first?.metadata["mm.address"] ?? ""
            try await body(try #require(address.split(separator: ":").last.flatMap { Int($0) }))
        }
    }

    @Test func `knows whether the replica lives, and nothing else`() async throws {
        try await self.serving { port in
            let caller = try await Caller.connect(port: port)
            try await caller.send(Self.live + "GET /services HTTP/1.1\r\nhost: m\r\n\r\n")
            #expect(try await caller.answers(2, within: .seconds(30)).map(\.status) == [200, 404])
        }
    }

    @Test func `closes a connection on which nothing is asked`() async throws {
        try await self.serving({ $0.idleTimeout = .milliseconds(100) }) { port in
            try await Caller.connect(port: port).untilClosed(within: .seconds(30))
        }
    }

    @Test func `has no more connections than it is allowed, and takes the next one when one ends`() async throws {
        try await self.serving { port in
            var held: [Caller] = []
            for _ in 0..<ProbeDoor.connectionsMax {
                let caller = try await Caller.connect(port: port)
                try await caller.send(Self.live)
                held.append(caller)
            }
            for caller in held { _ = try await caller.answer(within: .seconds(30)) }
            let late = try await Caller.connect(port: port)
            try await late.send(Self.live)
            // Others are answered meanwhile, so that there was time for it.
            for round in 2...50 {
                try await held[0].send(Self.live)
                try await held[0].answers(round, within: .seconds(30))
            }
            #expect(late.received.isEmpty)
            await held[1].close()
            #expect(try await late.answer(within: .seconds(30)).status == 200)
        }
    }
}
