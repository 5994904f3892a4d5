import ManagerTesting
import Registry
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(5))) struct `Live predictions` {
    /// One version, recorded as ordered, on one event loop.
    private func run(
        _ recording: Recording?,
        status: String = "200 OK",
        _ body: (Setting) async throws -> Void
    ) async throws {
        let instance = try await StubUpstream.answering(StubUpstream.json(#"{"p":1}"#, status: status))
        try await Setting.run(loops: 1) { setting in
            var pointers = ModelPointers(latest: ModelVersion("v1"))
            pointers.recording = recording
            let service = try Setting.service("a", at: instance.url, version: "v1")
            setting.register([service], pointers: [try #require(ModelType("LSTM")): pointers])
            try await body(setting)
        }
        await instance.stop()
    }

    @Test func `are recorded with their answers, the share counted out, and taken once`() async throws {
        try await self.run(Recording(perMillion: 250_000)) { (setting: Setting) async throws in
            for number in 1...12 {
                #expect(try await setting.predict(#"{"model_type":"LSTM","data":\#(number)}"#).status == 200)
            }
            let recorded = await setting.plane.takeRecorded()
            #expect(
                recorded.map { String(decoding: $0.request, as: UTF8.self) }
                    == [4, 8, 12].map { #"{"model_type":"LSTM","data":\#($0)}"# }
            )
            #expect(recorded.allSatisfy { $0.answer == Array(#"{"p":1}"#.utf8) && $0.version.text == "v1" })
            #expect(await setting.plane.takeRecorded().isEmpty)
        }
    }

    @Test func `are not recorded unless somebody ordered it`() async throws {
        try await self.run(nil) { (setting: Setting) async throws in
            for _ in 0..<5 { #expect(try await setting.predict().status == 200) }
            #expect(await setting.plane.takeRecorded().isEmpty)
        }
    }

    @Test func `are recorded in a bounded number`() async throws {
        try await self.run(Recording(perMillion: 1_000_000)) { (setting: Setting) async throws in
            for _ in 0..<(RecordingShelf.waitingMax + 5) { #expect(try await setting.predict().status == 200) }
            #expect(await setting.plane.takeRecorded().count == RecordingShelf.waitingMax)
            #expect(try await setting.predict().status == 200)
            #expect(await setting.plane.takeRecorded().count == 1, "there is room again")
        }
    }

    @Test func `are left out when they are long`() async throws {
        try await self.run(Recording(perMillion: 1_000_000)) { (setting: Setting) async throws in
            for bytes in [Recording.bytesMax, 100] {
                let text = String(repeating: "x", count: bytes)
                #expect(try await setting.predict(#"{"model_type":"LSTM","data":"\#(text)"}"#).status == 200)
            }
            #expect(await setting.plane.takeRecorded().map { $0.request.count < 200 } == [true])
        }
    }

    @Test func `are left out when they failed`() async throws {
        try await self.run(Recording(perMillion: 1_000_000), status: "422 Wrong") { (setting: Setting) async throws in
            #expect(try await setting.predict().status == 422)
            #expect(await setting.plane.takeRecorded().isEmpty)
        }
    }
}
