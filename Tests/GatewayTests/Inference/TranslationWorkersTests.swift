import ManagerTesting
import NIOCore
import NIOPosix
import Registry
import Synchronization
import Testing

@testable import Gateway

/// Large bodies are translated beside the event loops, and their answers lose nothing by that.
@Suite(.timeLimit(.minutes(5))) struct `Large translations` {
    private static let large = TranslationWorkers.loopBytesMax + 1

    @Test(arguments: [(0, true), (TranslationWorkers.loopBytesMax, true), (Self.large, false)])
    func `hold no event loop`(bytes: Int, isOnLoop: Bool) async throws {
        let (workers, loop) = (TranslationWorkers(), MultiThreadedEventLoopGroup.singleton.next())
        let promise = loop.makePromise(of: Bool.self)
        loop.execute {
            workers.run([UInt8](repeating: 0, count: bytes), on: loop) { _ in
                loop.inEventLoop
            } _: { result in
                loop.preconditionInEventLoop()
                promise.completeWith(result.mapError { $0 as any Error })
            }
        }
        #expect(try await promise.futureResult.get() == isOnLoop)
    }

    @Test(arguments: [(TranslationWorkers.loopBytesMax, true), (Self.large, false)])
    func `of what was made of many bytes hold no event loop`(bytes: Int, isOnLoop: Bool) async throws {
        let (workers, loop) = (TranslationWorkers(), MultiThreadedEventLoopGroup.singleton.next())
        let promise = loop.makePromise(of: Bool.self)
        loop.execute {
            workers.run(weighing: bytes, on: loop) {
                loop.inEventLoop
            } _: { result in
                promise.completeWith(result.mapError { $0 as any Error })
            }
        }
        #expect(try await promise.futureResult.get() == isOnLoop)
    }

    @Test func `of an aggregate's members are read and combined beside the loop, within the same bounds`() async throws
    {
        let body = #"{"prediction":[\#(Self.numbers)]}"#
        let stub = try await StubUpstream.answering(StubUpstream.json(body))
        let small = try await StubUpstream.answering(StubUpstream.json(#"{"prediction":1}"#))
        try await Setting.run { setting in
            setting.register([
                try Setting.service("a", at: stub.url, version: "v1"),
                try Setting.service("b", at: stub.url, version: "v2"),
                try Setting.service("c", at: small.url, version: "v3"),
            ])
            let order = #"{"model_type":"LSTM","aggregate":{"strategy":"mean","over":["LSTM@v1","LSTM@v2"]}}"#
            #expect(try await eventually(within: .seconds(60)) { try await setting.predict(order).status == 200 })
            let whole = try await setting.predict(order)
            #expect(whole.status == 200 && whole["x-mm-attempts"] == "2")
            #expect(try JSONValue.parse(whole.body)["prediction"]?.asArray?.last == .number(19_999.5))
            // As many bytes as may wait are waiting already.
            let waiting = try #require(setting.plane.planes.first).translations
            waiting.waitingBytes.add(TranslationWorkers.waitingBytesMax, ordering: .relaxed)
            let refused = try await setting.predict(order)
            #expect(refused.status == 503, "\(refused.body.prefix(200))")
            #expect(refused["x-mm-error-code"] == "overloaded" && refused["retry-after"] == "1")
            let errors = try JSONValue.parse(refused.body)["members"]?.asArray?.map { $0["error"]?.asString }
            #expect(errors == ["overloaded", "cancelled"] || errors == ["cancelled", "overloaded"])
            let other = #"{"model_type":"LSTM","aggregate":{"strategy":"mean","over":["LSTM@v3"]}}"#
            #expect(try await setting.predict(other).status == 200, "small ones need no thread")
        }
        await stub.stop()
        await small.stop()
    }

    @Test func `of an aggregate's request are made beside the loop, within the same bounds`() async throws {
        let stub = try await StubUpstream.answering(StubUpstream.json(#"{"prediction":1}"#))
        try await Setting.run { setting in
            setting.register([
                try Setting.service("a", at: stub.url, version: "v1"),
                try Setting.service("b", at: stub.url, version: "v2"),
            ])
            let data = String(repeating: "7", count: Self.large / 2 + 1)
            func order(_ over: String) -> String {
                #"{"data":"\#(data)","aggregate":{"strategy":"mean","over":[\#(over)]}}"#
            }
            let both = order(#""LSTM@v1","LSTM@v2""#)
            let whole = try await setting.predict(both)
            #expect(whole.status == 200 && whole["x-mm-attempts"] == "2", "\(whole.body.prefix(200))")
            let wanted = ["v1", "v2"].map { #"{"model_type":"LSTM","model_version":"\#($0)","data":"\#(data)"}"# }
            let areRight = stub.requests.map { String($0.drop { $0 != "{" }) }.sorted() == wanted
            #expect(areRight, "\(stub.requests.map { $0.prefix(600) })")
            // As many bytes as may wait are waiting already.
            let waiting = try #require(setting.plane.planes.first).translations
            waiting.waitingBytes.add(TranslationWorkers.waitingBytesMax, ordering: .relaxed)
            let refused = try await setting.predict(both)
            #expect(refused.status == 503, "\(refused.body.prefix(200))")
            #expect(refused["x-mm-error-code"] == "overloaded" && refused["retry-after"] == "1")
            #expect(try JSONValue.parse(refused.body)["members"] == [])
            #expect(try await setting.predict(order(#""LSTM@v1""#)).status == 200, "bodies of this size need no thread")
            #expect(stub.requests.count == 3)
            waiting.waitingBytes.subtract(TranslationWorkers.waitingBytesMax, ordering: .relaxed)
            #expect(try await setting.predict(both).status == 200)
        }
        await stub.stop()
    }

    @Test func `are refused when too many bytes wait`() async throws {
        let (workers, loop) = (TranslationWorkers(), MultiThreadedEventLoopGroup.singleton.next())
        let hold = loop.makePromise(of: Void.self)
        let part = [UInt8](repeating: 0, count: TranslationWorkers.waitingBytesMax / 2)
        let outcomes = Mutex<[Bool]>([])
        loop.execute {
            for _ in 0..<3 {
                workers.run(part, on: loop) { _ in
                    try? hold.futureResult.wait()
                } _: { result in
                    outcomes.withLock { $0.append((try? result.get()) != nil) }
                }
            }
        }
        #expect(try await eventually(within: .seconds(30)) { outcomes.withLock { $0 == [false] } })
        hold.succeed()
        #expect(try await eventually(within: .seconds(30)) { outcomes.withLock { $0 == [false, true, true] } })
        loop.execute {
            workers.run(part + part + [0], on: loop) { _ in
            } _: { result in
                outcomes.withLock { $0.append((try? result.get()) != nil) }
            }
        }
        // One body alone is taken, however large.
        #expect(try await eventually(within: .seconds(30)) { outcomes.withLock { $0.last == true && $0.count == 4 } })
    }

    private static let numbers = (0..<20_000).map { "\($0).5" }.joined(separator: ",")

    @Test func `come out whole in both directions, one after another on a connection`() async throws {
        let output = #"{"outputs":[{"name":"y","datatype":"FP64","shape":[1,20000],"data":[\#(Self.numbers)]}]}"#
        let stub = try await `Inference through the data plane`.server(infer: StubUpstream.json(output))
        try await Setting.run { setting in
            setting.register([try `Inference through the data plane`.oip("a", at: stub, version: "1")])
            let body = #"{"model_type":"LSTM","data":[\#(Self.numbers)]}"#
            #expect(body.utf8.count > Self.large)
            let caller = try await setting.caller()
            try await caller.send(Setting.request(body, headers: "x-request-id: q1\r\n"))
            try await caller.send(Setting.request())
            let answers = try await caller.answers(2, within: .seconds(60))
            #expect(answers.map(\.status) == [200, 200])
            #expect(answers.first?["x-mm-service"] == "a" && answers.first?["x-mm-attempts"] == "1")
            #expect(answers.first?["x-request-id"] == "q1")
            #expect(try JSONValue.parse(answers.first?.body ?? "")["prediction"]?.asArray?.count == 20_000)
            let sent = stub.requests.filter { $0.hasPrefix("POST") }
            #expect(sent.count == 2 && sent.first?.contains("19999.5") == true)
        }
        await stub.stop()
    }

    @Test func `of clients of the protocol come out whole`() async throws {
        let stub = try await StubUpstream.answering(StubUpstream.json(#"{"prediction":[\#(Self.numbers)]}"#))
        try await Setting.run { setting in
            setting.register([try Setting.service("a", at: stub.url, version: "v1")])
            let inference = `Inference through the data plane`.self
            let body = #"{"inputs":[{"name":"x","datatype":"FP64","shape":[20000],"data":[\#(Self.numbers)]}]}"#
            let answer = await setting.plane.exchange(try inference.inference(body))
            #expect(answer.headers.contains { $0.name == "x-mm-service" && $0.value == "a" })
            let output = try JSONValue.parse(try await inference.text(answer))["outputs"]?.asArray?.first
            #expect(output?["data"]?.asArray?.count == 20_000)
        }
        await stub.stop()
    }

    @Test func `that a switch overtakes go where it leads`() async throws {
        let metadata = #"{"inputs":[{"name":"x","datatype":"FP32","shape":[-1]}]}"#
        let old = try await StubUpstream.start { _, request in
            request.hasPrefix("GET ")
                ? [.hold, .send(StubUpstream.json(metadata)), .close]
                : [.send(StubUpstream.json(#"{"outputs":[]}"#)), .next]
        }
        let new = try await `Inference through the data plane`.server()
        try await Setting.run { setting in
            let services = [
                try `Inference through the data plane`.oip("a", at: old, version: "v1"),
                try `Inference through the data plane`.oip("b", at: new, version: "v2"),
            ]
            setting.register(services)
            let caller = try await setting.caller()
            try await caller.send(Setting.request())
            #expect(try await eventually(within: .seconds(20)) { old.requests.count == 1 })
            let (type, two) = (try #require(ModelType("LSTM")), try #require(ModelVersion("v2")))
            setting.register(services, pointers: [type: ModelPointers(latest: two)])
            old.release()
            let answer = try await caller.answer(within: .seconds(20))
            #expect(answer.status == 200, "\(answer.body)")
            #expect(answer["x-mm-model-version"] == "v2")
            #expect(!old.requests.contains { $0.hasPrefix("POST") })
        }
        await old.stop()
        await new.stop()
    }
}
