import ClusterState
import ManagerTesting
import RedisClient
import Registry
import Testing

/// Live predictions in the store: kept only while that is ordered, and no more than that.
@Suite struct `Recorded predictions` {
    private let type: ModelType
    private let version: ModelVersion

    init() throws {
        self.type = try #require(ModelType("LSTM"))
        self.version = try #require(ModelVersion("v1"))
    }

    private func register(_ state: ClusterState) async throws {
        var definition = try Samples.definition("a")
        (definition.modelType, definition.modelVersion) = (self.type, self.version)
        _ = try await state.register(definition, source: .api, floor: .zero)
    }

    private func predictions(_ numbers: ClosedRange<Int>) -> [RecordedPrediction] {
        numbers.map { number in
            RecordedPrediction(version: self.version, request: ["data": [.integer(Int64(number))]], answer: ["p": 1.5])
        }
    }

    @Test func `are kept up to the limit, the newest first`() async throws {
        try await withState { state in
            try await self.register(state)
            let recording = Recording(perMillion: 10_000, limit: 3)
            guard case .changed(let change) = try await state.setRecording(of: self.type, recording, floor: .zero),
                case .model(_, let pointers, _)? = change.entry.record?.content
            else { throw StateSurprise() }
            #expect(pointers.recording == recording)
            #expect(try await state.keepRecorded(self.predictions(1...70), of: self.type) == 3)
            let kept = try await state.recorded(of: self.type, atMost: 1000)
            #expect(kept == self.predictions(68...70).reversed())
            #expect(try await state.recordedCount(of: self.type) == 3)
            #expect(try await state.recorded(of: self.type, atMost: 1).count == 1)
        }
    }

    @Test func `are not kept when nobody ordered it, and forgotten when that ends`() async throws {
        try await withState { state in
            try await self.register(state)
            #expect(try await state.keepRecorded(self.predictions(1...2), of: self.type) == 0)
            _ = try await state.setRecording(of: self.type, Recording(perMillion: 1), floor: .zero)
            #expect(try await state.keepRecorded(self.predictions(1...2), of: self.type) == 2)
            guard case .changed(let change) = try await state.setRecording(of: self.type, nil, floor: .zero),
                case .model(_, let pointers, _)? = change.entry.record?.content
            else { throw StateSurprise() }
            #expect(pointers.recording == nil)
            #expect(try await state.recordedCount(of: self.type) == 0)
            #expect(try await state.keepRecorded(self.predictions(1...2), of: self.type) == 0)
            guard case .same = try await state.setRecording(of: self.type, nil, floor: .zero) else {
                throw StateSurprise()
            }
        }
    }

    /// Entries begin with the time in milliseconds; the oldest stand last.
    @Test func `are gone after seven days, each by its own age`() async throws {
        let fixture = try await RedisFixture.shared()
        try await fixture.withClient(library: ClusterState.library) { redis in
            let state = ClusterState(redis: redis, namespace: fixture.prefix(), actor: "tester")
            try await self.register(state)
            _ = try await state.setRecording(of: self.type, Recording(perMillion: 1), floor: .zero)
            _ = try await state.keepRecorded(self.predictions(1...2), of: self.type)
            let key = RedisWord(state.keys.prefix + "recorded:LSTM")
            let time = try await redis.send(["TIME"]).array?.first?.string
            let now = try #require(time.flatMap { Int64($0) })
            let ageMax = Recording.ageMax.components.seconds
            for age in [ageMax - 600, ageMax + 1, ageMax + 600] {
                let entry = #"\#((now - age) * 1000) {"version":"v1","request":{"data":[9]},"answer":{"p":9}}"#
                _ = try await redis.send(["RPUSH", key, RedisWord(entry)])
                #expect(try await state.recorded(of: self.type, atMost: 10).count == 3, "only the first is kept")
                #expect(try await state.recordedCount(of: self.type) == 3)
            }
            #expect(try await state.keepRecorded(self.predictions(3...3), of: self.type) == 4)
            let left = try #require(try await redis.send(["PTTL", key]).integer)
            #expect(left > 0 && left <= ageMax * 1000, "and all of them when nothing comes any more")
        }
    }

    @Test func `need a model type`() async throws {
        try await withState { state in
            let reply = try await state.setRecording(of: self.type, Recording(perMillion: 1), floor: .zero)
            #expect(reply == .refused(.absent))
        }
    }
}
