import ManagerTesting
import NIOCore
import Registry
import Testing

@testable import Gateway

/// A replica that was paused longer than its lease, as its callers see it.
@Suite struct `A replica that must catch up` {
    /// One instance that says `old`, another that says `new`.
    private func withServices(_ body: (StubUpstream, StubUpstream) async throws -> Void) async throws {
        let old = try await StubUpstream.answering(StubUpstream.json(#""old""#))
        let new = try await StubUpstream.answering(StubUpstream.json(#""new""#))
        try await body(old, new)
        await old.stop()
        await new.stop()
    }

    @Test(arguments: ["/predict", "/train"]) func `lets a new request wait until it knows what it missed`(
        path: String
    ) async throws {
        try await self.withServices { old, new in
            try await Setting.run({ $0.catchUpWaitMax = .seconds(60) }) { setting in
                setting.register([try Setting.service("old", at: old.url)])
                setting.plane.catchUpGate.serve(until: MonotonicClock.now())
                async let asked = Self.ask(path, setting)
                let waits = try await eventually(within: .seconds(10)) {
                    await setting.plane.statistics().held == 1
                }
                #expect(waits)
                setting.register([try Setting.service("new", at: new.url)])
                setting.plane.catchUpGate.serve(until: MonotonicClock.now() + .seconds(60))
                #expect(try await asked == #""new""#)
                #expect(old.requests.isEmpty)
            }
        }
    }

    @Test func `sends it where it was known to go when nothing holds it`() async throws {
        try await self.withServices { old, _ in
            try await Setting.run { setting in
                setting.register([try Setting.service("old", at: old.url)])
                setting.plane.catchUpGate.serve(until: MonotonicClock.now() + .seconds(60))
                let answer = try await setting.predict()
                #expect(answer.body == #""old""#)
                #expect(answer["x-mm-stale"] == nil)
            }
        }
    }

    @Test func `goes on with what it has after a second, and says so`() async throws {
        try await self.withServices { old, _ in
            try await Setting.run { setting in
                setting.register([try Setting.service("old", at: old.url)])
                setting.plane.catchUpGate.serve(until: MonotonicClock.now())
                let began = MonotonicClock.now()
                let first = try await setting.predict()
                #expect(MonotonicClock.now() - began >= .milliseconds(900))
                #expect(first.body == #""old""#)
                #expect(first["x-mm-stale"] != nil)
                #expect(setting.plane.catchUpGate.isOpen)
                #expect(try await setting.predict()["x-mm-stale"] != nil, "and the next one need not wait")
            }
        }
    }

    @Test func `forgets a caller who left meanwhile`() async throws {
        try await self.withServices { old, _ in
            try await Setting.run({ $0.catchUpWaitMax = .seconds(60) }) { setting in
                setting.register([try Setting.service("old", at: old.url)])
                setting.plane.catchUpGate.serve(until: MonotonicClock.now())
                let caller = try await setting.caller()
                try await caller.send(Setting.request())
                let waits = try await eventually(within: .seconds(10)) { await setting.plane.statistics().held == 1 }
                #expect(waits)
                await caller.close()
                let gone = try await eventually(within: .seconds(10)) {
                    await setting.plane.statistics().connections == 0
                }
                #expect(gone)
                setting.plane.catchUpGate.serve(until: nil)
                let released = try await eventually(within: .seconds(10)) { await setting.plane.statistics().held == 0 }
                #expect(released)
                #expect(old.requests.isEmpty)
            }
        }
    }

    private static func ask(_ path: String, _ setting: Setting) async throws -> String {
        guard path == "/train" else { return try await setting.predict().body }
        let body = ByteBuffer(string: #"{"model_type":"LSTM","data":[1]}"#)
        let request = GatewayRequest(operation: .train, headers: [], body: body)
        let answer = await setting.plane.exchange(request)
        var text = ""
        for try await part in answer.body { text += String(buffer: part) }
        return text
    }
}
