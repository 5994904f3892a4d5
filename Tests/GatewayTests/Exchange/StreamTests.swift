import ManagerTesting
import NIOCore
import Registry
import Testing

@testable import Gateway

@Suite struct `Answers of every framing` {
    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", "hello", true),
        (
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\ntrailer: x\r\n\r\n",
            "hello", true
        ),
        ("HTTP/1.1 200 OK\r\n\r\nhello", "hello", false),
        ("HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello", "hello", false),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nlink: a\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
            "hello", true
        ),
        ("HTTP/1.1 204 No Content\r\n\r\n", "", true),
        ("HTTP/1.1 304 Not Modified\r\netag: x\r\n\r\n", "", true),
        ("HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", "", true),
    ]) func `arrive whole and leave the connection as usable as they can`(
        answer: String,
        body: String,
        keepsAlive: Bool
    ) async throws {
        let stub = try await StubUpstream.start { _, _ in [.send(answer), keepsAlive ? .next : .close] }
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let caller = try await setting.caller()
            for count in 1...3 {
                try await caller.send(Setting.request())
                let answers = try await caller.answers(count)
                #expect(answers[count - 1].body == body)
                #expect(answers[count - 1]["trailer"] == nil && answers[count - 1]["link"] == nil)
            }
            #expect(stub.connections == (keepsAlive ? 1 : 3))
        }
        await stub.stop()
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-a: b\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
    ]) func `mean the same wherever they are cut`(answer: String) async throws {
        let bytes = Array(answer.utf8)
        let stub = try await StubUpstream.start { number, _ in
            let cut = number % bytes.count
            return [
                .sendBytes(Array(bytes[..<cut])), .pause(.milliseconds(1)), .sendBytes(Array(bytes[cut...])), .next,
            ]
        }
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let caller = try await setting.caller()
            for count in 1...bytes.count {
                try await caller.send(Setting.request())
                #expect(try await caller.answers(count)[count - 1].body == "hello")
            }
            #expect(stub.connections == 1)
        }
        await stub.stop()
    }

    @Test func `are passed on piece by piece as they come`() async throws {
        let stub = try await StubUpstream.start { _, _ in
            [
                .send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"),
                .send("6\r\none\n\n\n\r\n"), .hold, .send("4\r\ntwo\n\r\n0\r\n\r\n"), .next,
            ]
        }
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let caller = try await setting.caller()
            try await caller.send(Setting.request())
            try await caller.until("the first piece") { $0.contains("one") }
            #expect(!caller.received.contains("two"))
            stub.release()
            #expect(try await caller.answer().body == "one\n\n\ntwo\n")
        }
        await stub.stop()
    }

    @Test(arguments: [
        "HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n",
    ]) func `that break off end the caller's connection without looking complete`(answer: String) async throws {
        let stub = try await StubUpstream.start { _, _ in [.send(answer), .pause(.milliseconds(20)), .reset] }
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let caller = try await setting.caller()
            try await caller.send(Setting.request())
            try await caller.untilClosed()
            #expect(CallerAnswer.all(in: caller.received).isEmpty)
            #expect(stub.requests.count == 1)
            #expect(try await eventually(within: .seconds(5)) { await setting.plane.statistics().inFlight == 0 })
        }
        await stub.stop()
    }

    @Test func `with bytes behind them cost the connection its further use`() async throws {
        let stub = try await StubUpstream.start { number, _ in
            [.send("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n\(number)HTTP/1.1 200 OK\r\n"), .next]
        }
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let caller = try await setting.caller()
            for count in 1...3 {
                try await caller.send(Setting.request())
                #expect(try await caller.answers(count)[count - 1].body == String(count - 1))
            }
            #expect(stub.connections == 3)
        }
        await stub.stop()
    }

    @Test func `that fall silent are cut, those that move are not`() async throws {
        let stub = try await StubUpstream.start { number, _ in
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n"
            if number == 0 { return [.send(head + "12345"), .hold] }
            let drips: [[StubUpstream.Step]] = (0..<10).map { [.pause(.milliseconds(600)), .send("\($0)")] }
            return [.send(head)] + drips.flatMap { $0 } + [.next]
        }
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url) { $0.timeout = .seconds(5) }])
            let cut = try await setting.caller()
            try await cut.send(Setting.request())
            try await cut.until("the beginning") { $0.hasSuffix("12345") }
            // Six seconds at least, in ten pieces.
            let moving = try await setting.predict()
            #expect(moving.body == "0123456789")
            try await cut.untilClosed()
        }
        await stub.stop()
    }

    @Test func `larger than a slow reader can take are held back at the instance`() async throws {
        let size = 64 * 1024 * 1024
        let piece = [UInt8](repeating: 0x61, count: 1024 * 1024)
        let stub = try await StubUpstream.start { _, _ in
            let pieces = (0..<(size / piece.count)).map { _ in StubUpstream.Step.sendBytes(piece) }
            return [.send("HTTP/1.1 200 OK\r\ncontent-length: \(size)\r\n\r\n")] + pieces + [.next]
        }
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let caller = try await Caller.connect(port: setting.port, reads: false, keepsText: false)
            try await caller.send(Setting.request())
            try await stub.untilQuiet()
            #expect(stub.sentBytes > 0)
            #expect(stub.sentBytes < size / 2)
            try await caller.startReading()
            try await caller.until("all of it", within: .seconds(30)) { _ in caller.receivedBytes > size }
        }
        await stub.stop()
    }

    @Test func `a large 500 is passed on instead of being kept`() async throws {
        let body = String(repeating: "x", count: KeptAnswer.bytesMax * 2)
        let bad = try await StubUpstream.answering(StubUpstream.json(body, status: "500 Large"))
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: bad.url)])
            let answer = try await setting.predict()
            #expect(answer.status == 500)
            #expect(answer.body == body)
            #expect(bad.requests.count == 1)
        }
        await bad.stop()
    }

    @Test func `redirects are passed back, not followed`() async throws {
        let target = try await StubUpstream.answering(StubUpstream.json("{}"))
        let stub = try await StubUpstream.answering(
            "HTTP/1.1 302 Found\r\nlocation: \(target.url)/secret\r\ncontent-length: 0\r\n\r\n"
        )
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url)])
            let answer = try await setting.predict()
            #expect(answer.status == 302)
            #expect(answer["location"] == target.url + "/secret")
            #expect(target.connections == 0)
        }
        await stub.stop()
        await target.stop()
    }
}
