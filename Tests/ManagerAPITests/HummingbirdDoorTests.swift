import Gateway
import NIOCore
import Registry
import Synchronization
import Testing

@testable import ClusterState
@testable import ManagerAPI

/// The general door over real sockets: framing, order, refusals, and callers who leave.
@Suite struct HummingbirdDoorTests {
    private let replica = FakeReplica()

    private static func trailers(count: Int, bytes: Int) -> String {
        let line = "x: \(String(repeating: "a", count: bytes))\r\n"
        return "POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
            + String(repeating: line, count: count) + "\r\n"
    }

    private static func statuses(_ text: String) -> [String] {
        text.matches(of: /HTTP\/1\.1 ([0-9]{3})/).map { String($0.1) }
    }

    @Test func `serves several requests of one connection and tells the end of each`() async throws {
        let fixture = DoorFixture(self.replica)
        let text = try await fixture.serving { fixture in
            try await fixture.exchange([
                (nil, "GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"),
                ("live", "GET /nothing HTTP/1.1\r\nhost: x\r\n\r\n"),
                ("not_found", "GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"),
            ])
        }
        #expect(Self.statuses(text) == ["200", "404", "200"])
        // Nobody waits for a request behind the last one.
        #expect(fixture.responsesEnded.withLock { $0 } == 2)
    }

    @Test func `answers pipelined requests in order`() async throws {
        let text = try await DoorFixture(self.replica).serving { fixture in
            let requests = ["/health/live", "/none", "/health/ready"].map { "GET \($0) HTTP/1.1\r\nhost: x\r\n\r\n" }
            return try await fixture.exchange(
                requests.joined() + "GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
            )
        }
        #expect(Self.statuses(text) == ["200", "404", "200", "200"])
    }

    @Test func `collects a chunked prediction`() async throws {
        let text = try await DoorFixture(self.replica).serving { fixture in
            let head = "POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
            return try await fixture.exchange([(nil, head + "5\r\n{\"a\":\r\n"), (nil, "2\r\n1}\r\n0\r\n\r\n")])
        }
        #expect(Self.statuses(text) == ["200"])
        #expect(text.contains("{\"a\":1}"))
        #expect(self.replica.edit { $0.exchanged.count } == 1)
    }

    @Test func `tells a caller who asks to go on`() async throws {
        let text = try await DoorFixture(self.replica).serving { fixture in
            let head = "POST /predict HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 2\r\n"
            return try await fixture.exchange([(nil, head + "connection: close\r\n\r\n"), ("100 Continue", "{}")])
        }
        #expect(Self.statuses(text) == ["100", "200"])
    }

    @Test func `refuses a body that is announced too long without asking for it`() async throws {
        let text = try await DoorFixture(self.replica, settings: { $0.bodyBytesMax = 10 }).serving { fixture in
            let head = "POST /predict HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 11\r\n\r\n"
            return try await fixture.exchange(head)
        }
        #expect(Self.statuses(text) == ["413"])
        #expect(text.contains("x-mm-error-code: payload_too_large"))
    }

    @Test func `refuses a chunked body as soon as it is too long, and closes`() async throws {
        let text = try await DoorFixture(self.replica, settings: { $0.bodyBytesMax = 10 }).serving { fixture in
            let head = "POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
            let chunk = "a\r\n0123456789\r\n"
            return try await fixture.exchange([(nil, head + chunk + chunk), ("413", chunk + chunk)])
        }
        #expect(Self.statuses(text) == ["413"])
        #expect(self.replica.edit { $0.exchanged.isEmpty })
    }

    @Test(arguments: [
        ("BROKEN\r\n\r\n", ["400"]), ("GET / HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n", ["400"]),
        (
            "POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            ["400"]
        ),
        ("POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", ["400"]),
        ("POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\nzz\r\n", ["400"]),
        (Self.trailers(count: 300, bytes: 1), ["431"]), (Self.trailers(count: 1, bytes: 40000), ["431"]),
        ("POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: xchunked\r\n\r\n", ["400"]),
        ("POST /predict HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n", ["400"]),
        ("POST /predict HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", ["400"]),
        ("GET /health/live HTTP/1.1\r\n\r\n", ["400"]),
        ("GET /health/live HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n", ["400"]),
        ("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\n\r\n", ["200", "400"]),
        ("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\nBROKEN\r\n\r\n", ["200", "400"]),
        ("GET / HTTP/1.1\r\nhost: x\r\nx: \(String(repeating: "a", count: 9000))\r\n\r\n", ["431"]),
        ("GET / HTTP/1.1\r\n\((1...101).map { "x\($0): 1\r\n" }.joined())\r\n", ["431"]),
    ])
    func `answers what it cannot read and closes`(bytes: String, expected: [String]) async throws {
        let text = try await DoorFixture(self.replica).serving { try await $0.exchange(bytes) }
        #expect(Self.statuses(text) == expected)
        #expect(text.contains("\"code\":\"\(expected.last == "431" ? "headers_too_large" : "invalid_request")\""))
        #expect(text.contains("x-mm-replica: r1"))
    }

    @Test func `cancels the attempt of a caller who leaves`() async throws {
        let (cancelled, told) = AsyncStream.makeStream(of: Void.self)
        let (begun, tellBegun) = AsyncStream.makeStream(of: Void.self)
        self.replica.edit { state in
            state.answer = { _ in
                tellBegun.finish()
                try? await ContinuousClock().sleep(for: .seconds(60))
                if Task.isCancelled { told.finish() }
                return GatewayAnswer(status: 200, headers: [], body: FakeReplica.body([]))
            }
        }
        try await DoorFixture(self.replica).serving { fixture in
            try await fixture.connected { _, outbound in
                try await outbound.write(
                    ByteBuffer(string: "POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}")
                )
                for await _ in begun {}
            }
            for await _ in cancelled {}
        }
    }

    @Test func `streams events while the connection is open`() async throws {
        self.replica.edit { state in
            state.events = [
                ClusterEvent(
                    id: "1-0",
                    at: FakeReplica.started,
                    actor: "r1",
                    kind: "registered",
                    subject: "a",
                    detail: "",
                    epoch: Epoch(1)
                )
            ]
        }
        try await DoorFixture(self.replica).serving { fixture in
            let received = try await fixture.connected { inbound, outbound in
                try await outbound.write(ByteBuffer(string: "GET /events?follow=true HTTP/1.1\r\nhost: x\r\n\r\n"))
                var received = ""
                for try await part in inbound {
                    received += String(buffer: part)
                    if received.contains("event: registered") { break }
                }
                return received
            }
            #expect(received.contains("Content-Type: text/event-stream"))
        }
    }

    @Test func `closes connections beyond its bound and all new ones after its end`() async throws {
        let fixture = DoorFixture(self.replica, settings: { $0.connectionsMax = 1 })
        try await fixture.serving { fixture in
            try await fixture.connected { inbound, outbound in
                try await outbound.write(ByteBuffer(string: "GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n"))
                for try await part in inbound where String(buffer: part).contains("live") { break }
                let refused = try? await fixture.exchange("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n")
                #expect((refused ?? "").isEmpty)
            }
        }
        #expect(fixture.responsesEnded.withLock { $0 } == 1)
    }

    /// Many of its callers wait for the end of the connection, and none understands chunks.
    @Test(arguments: ["", "connection: keep-alive\r\n"])
    func `answers HTTP1.0 in its own terms, and closes`(header: String) async throws {
        self.replica.edit { state in
            state.answer = { _ in
                GatewayAnswer(
                    status: 200,
                    headers: [],
                    body: FakeReplica.body([ByteBuffer(string: "ab"), ByteBuffer(string: "cd")])
                )
            }
        }
        try await DoorFixture(self.replica).serving { fixture in
            let live = try await fixture.exchange("GET /health/live HTTP/1.0\r\n\(header)\r\nGET / HTTP/1.0\r\n\r\n")
            #expect(live.hasPrefix("HTTP/1.0 200 "))
            #expect(live.hasSuffix(#"{"status":"live"}"#))
            let streamed = try await fixture.exchange(
                "POST /predict HTTP/1.0\r\n\(header)content-length: 2\r\n\r\n{}"
            )
            #expect(streamed.hasPrefix("HTTP/1.0 200 "))
            #expect(streamed.hasSuffix("\r\n\r\nabcd"))
            #expect(!streamed.contains("chunked"))
        }
    }

    @Test(arguments: ["close", "Close", "keep-alive, close", "x, CLOSE"])
    func `answers the last request that a caller announces, and closes`(value: String) async throws {
        let text = try await DoorFixture(self.replica).serving { fixture in
            let request = "GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: "
            return try await fixture.exchange("\(request)\(value)\r\n\r\n\(request)x\r\n\r\n")
        }
        #expect(Self.statuses(text) == ["200"])
        #expect(text.lowercased().contains("connection: close\r\n"))
    }

    @Test func `closes a connection whose body stalls`() async throws {
        let text = try await DoorFixture(self.replica, settings: { $0.idleTimeout = .milliseconds(200) }).serving {
            try await $0.exchange("POST /predict HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc")
        }
        #expect(Self.statuses(text) == ["408"])
        #expect(text.contains("x-mm-error-code: request_timeout"))
    }
}
