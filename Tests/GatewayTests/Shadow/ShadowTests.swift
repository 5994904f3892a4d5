import ManagerTesting
import NIOCore
import Registry
import Synchronization
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(5))) struct `A shadow` {
    private func figures(_ setting: Setting) async -> ShadowFigures {
        await setting.plane.versionTraffic().first { $0.version.text == "v2" }?.shadow ?? ShadowFigures()
    }

    /// Two versions, the second of which is the shadow.
    private func run(
        percent: Int = 100,
        loops: Int = 1,
        first: StubUpstream,
        second: StubUpstream,
        _ body: (Setting) async throws -> Void
    ) async throws {
        try await Setting.run(loops: loops) { setting in
            var pointers = ModelPointers(latest: ModelVersion("v1"))
            pointers.shadow = Shadow(version: try #require(ModelVersion("v2")), percent: percent, field: "p")
            setting.register(
                [
                    try Setting.service("a", at: first.url, version: "v1"),
                    try Setting.service("b", at: second.url, version: "v2"),
                ],
                pointers: [try #require(ModelType("LSTM")): pointers]
            )
            try await body(setting)
        }
        await first.stop()
        await second.stop()
    }

    private func stub(_ answer: String, status: String = "200 OK") async throws -> StubUpstream {
        try await .answering(StubUpstream.json(answer, status: status))
    }

    @Test func `gets copies of what callers ask, and its answers are compared`() async throws {
        let (first, second) = (try await self.stub(#"{"p":[2,4]}"#), try await self.stub(#"{"p":[3,4]}"#))
        try await self.run(first: first, second: second) { (setting: Setting) async throws in
            for _ in 0..<3 { #expect(try await setting.predict().body == #"{"p":[2,4]}"#) }
            #expect(try await eventually(within: .seconds(30)) { await self.figures(setting).requests == 3 })
            let figures = await self.figures(setting)
            #expect(figures.compared == 3 && figures.equal == 0 && figures.difference == 1.5 && figures.magnitude == 9)
            #expect(second.requests.count == 3)
            #expect(second.requests.allSatisfy { $0.hasSuffix(#"{"model_type":"LSTM","data":[1]}"#) })
            #expect(second.requests.allSatisfy { $0.contains("x-mm-model-version: v2") })
            #expect(await setting.plane.statistics().requests == 3)
        }
    }

    @Test func `gets its percentage, counted out`() async throws {
        let (first, second) = (try await self.stub(#"{"p":1}"#), try await self.stub(#"{"p":1}"#))
        try await self.run(percent: 30, first: first, second: second) { (setting: Setting) async throws in
            for _ in 0..<20 { #expect(try await setting.predict().status == 200) }
            #expect(try await eventually(within: .seconds(30)) { await self.figures(setting).equal == 6 })
            #expect(second.requests.count == 6)
        }
    }

    @Test func `gets nothing that names its version`() async throws {
        let (first, second) = (try await self.stub(#"{"p":1}"#), try await self.stub(#"{"p":1}"#))
        try await self.run(percent: 50, first: first, second: second) { (setting: Setting) async throws in
            for version in ["v1", "v1", "v2", "v1"] {
                let body = #"{"model_type":"LSTM","model_version":"\#(version)"}"#
                #expect(try await setting.predict(body).headers["x-mm-model-version"] == version)
            }
            // The turns of those that were no copies for it are made up for.
            #expect(try await setting.predict().status == 200)
            #expect(try await eventually(within: .seconds(30)) { await self.figures(setting).requests == 1 })
            #expect(second.requests.count == 2)
        }
    }

    @Test func `that hangs delays and fails nobody, and has a bound`() async throws {
        let first = try await self.stub(#"{"p":1}"#)
        let second = try await StubUpstream.start { _, _ in [.hold] }
        try await self.run(first: first, second: second) { (setting: Setting) async throws in
            let caller = try await setting.caller()
            for number in 1...(ShadowRoute.copiesMax + 10) {
                try await caller.send(Setting.request())
                #expect(try await caller.answers(number, within: .seconds(30)).last?.status == 200)
            }
            await caller.close()
            let all = await setting.plane.versionTraffic()
            let figures = await self.figures(setting)
            #expect(
                figures.skipped == 10,
                "\(first.requests.count) \(second.requests.count) \(second.connections) \(all)"
            )
            second.release()
        }
    }

    @Test(arguments: [("503 Service Unavailable", 1, 1), ("404 Not Found", 0, 1)])
    func `that answers otherwise is told of, and its failures are no caller's`(
        status: String,
        failures: Int64,
        differs: Int64
    ) async throws {
        let (first, second) = (try await self.stub(#"{"p":1}"#), try await self.stub(#"{"p":1}"#, status: status))
        try await self.run(first: first, second: second) { (setting: Setting) async throws in
            #expect(try await setting.predict().status == 200)
            #expect(try await eventually(within: .seconds(30)) { await self.figures(setting).requests == 1 })
            let figures = await self.figures(setting)
            #expect(figures.failures == failures && figures.statusDiffers == differs && figures.compared == 0)
            let statistics = await setting.plane.statistics()
            #expect(statistics.requests == 1 && statistics.failures == 0)
            #expect(second.requests.count == 1)
        }
    }

    @Test func `gets large requests whole, through the general door, too`() async throws {
        let (first, second) = (try await self.stub(#"{"p":1}"#), try await self.stub(#"{"p":1}"#))
        let body = #"{"model_type":"LSTM","data":"\#(String(repeating: "x", count: 200_000))"}"#
        try await self.run(first: first, second: second) { (setting: Setting) async throws in
            #expect(try await setting.predict(body).status == 200)
            let request = GatewayRequest(
                operation: .predict,
                headers: [("content-type", "application/json")],
                body: ByteBuffer(string: body)
            )
            let answer = await setting.plane.exchange(request)
            for try await _ in answer.body {}
            #expect(answer.status == 200)
            #expect(try await eventually(within: .seconds(30)) { await self.figures(setting).equal == 2 })
            #expect(second.requests.allSatisfy { $0.hasSuffix(body) })
        }
    }

    @Test func `gets each request with its own answer, though copies use each other's memory again`() async throws {
        let answer: @Sendable (String) -> String = { request in
            StubUpstream.json(#"{"p":\#(request.reversed().prefix { $0 != "[" }.count)}"#)
        }
        let first = try await StubUpstream.start { _, request in [.send(answer(request)), .next] }
        let second = try await StubUpstream.start { _, request in [.hold, .send(answer(request)), .next] }
        try await self.run(first: first, second: second) { (setting: Setting) async throws in
            let bodies = (1...30).map { number in
                #"{"model_type":"LSTM","data":[\#(String(repeating: "7", count: 1 + number * number % 97))]}"#
            }
            for round in 1...2 {
                let caller = try await setting.caller()
                for (place, body) in bodies.enumerated() {
                    try await caller.send(Setting.request(body))
                    #expect(try await caller.answers(place + 1, within: .seconds(30)).last?.status == 200)
                }
                await caller.close()
                second.release()
                let copies = Int64(round * bodies.count)
                #expect(try await eventually(within: .seconds(30)) { await self.figures(setting).requests == copies })
            }
            #expect(await self.figures(setting).equal == 60)
            let sent = second.requests.map { String($0.drop { $0 != "{" }) }
            #expect(sent.sorted() == (bodies + bodies).sorted())
        }
    }

    @Test func `gets nothing of a caller who leaves early, and loses no room by him`() async throws {
        let first = try await StubUpstream.start { _, request in
            request.contains("hang") ? [.hold] : [.send(StubUpstream.json(#"{"p":1}"#)), .next]
        }
        let second = try await self.stub(#"{"p":1}"#)
        let large = String(repeating: "x", count: 400_000)
        try await self.run(first: first, second: second) { (setting: Setting) async throws in
            for number in 1...(ShadowRoute.copiesMax + 10) {
                let caller = try await setting.caller()
                try await caller.send(Setting.request(#"{"model_type":"LSTM","data":"hang \#(large)"}"#))
                #expect(try await eventually(within: .seconds(30)) { first.requests.count == number })
                await caller.close()
                #expect(try await eventually(within: .seconds(30)) { await setting.plane.statistics().inFlight == 0 })
            }
            #expect(try await setting.predict().status == 200)
            #expect(try await eventually(within: .seconds(30)) { await self.figures(setting).equal == 1 })
            #expect(await self.figures(setting).skipped == 0 && second.requests.count == 1)
        }
    }

    @Test func `is left out when the requests of copies under way take too much memory`() async throws {
        let first = try await self.stub(#"{"p":1}"#)
        let second = try await StubUpstream.start { _, _ in [.hold, .send(StubUpstream.json(#"{"p":1}"#)), .next] }
        let body = #"{"model_type":"LSTM","data":"\#(String(repeating: "x", count: 1_000_000))"}"#
        let fit = ShadowShelf.heldBytesMax / body.utf8.count
        try await self.run(first: first, second: second) { (setting: Setting) async throws in
            for _ in 0..<(fit + 3) { #expect(try await setting.predict(body).status == 200) }
            #expect(await self.figures(setting).skipped == 3)
            #expect(try await setting.predict().status == 200, "a small one still fits")
            second.release()
            let copies = Int64(fit + 1)
            #expect(try await eventually(within: .seconds(60)) { await self.figures(setting).equal == copies })
            #expect(try await setting.predict(body).status == 200)
            #expect(try await eventually(within: .seconds(60)) { await self.figures(setting).equal == copies + 1 })
            #expect(await self.figures(setting).skipped == 3)
        }
    }

    @Test func `is compared by large answers, too, beside the event loop`() async throws {
        let numbers = (0..<4000).map { "\($0).5" }.joined(separator: ",")
        let first = try await self.stub(#"{"p":[\#(numbers)]}"#)
        let second = try await self.stub(#"{"p":[ \#(numbers)]}"#)
        try await self.run(first: first, second: second) { (setting: Setting) async throws in
            let waiting = try #require(setting.plane.planes.first).translations
            for _ in 0..<5 { #expect(try await setting.predict().status == 200) }
            #expect(try await eventually(within: .seconds(60)) { await self.figures(setting).requests == 5 })
            #expect(await self.figures(setting).equal == 5)
            // As many bytes as may wait for a thread are waiting already: it is not compared, and nobody fails.
            waiting.waitingBytes.add(TranslationWorkers.waitingBytesMax, ordering: .relaxed)
            #expect(try await setting.predict().status == 200)
            #expect(try await eventually(within: .seconds(60)) { await self.figures(setting).requests == 6 })
            let figures = await self.figures(setting)
            #expect(figures.compared == 5 && figures.failures == 0 && figures.statusDiffers == 0)
        }
    }
}
