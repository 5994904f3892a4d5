import ClusterState
import ManagerTesting
import Registry
import Testing

/// Offline tests of versions in the store: who makes them, where verdicts go, what they allow.
@Suite struct `Tests of versions` {
    private let type: ModelType

    init() throws {
        self.type = try #require(ModelType("LSTM"))
    }

    private func offer(_ versions: String..., to state: ClusterState) async throws {
        for text in versions {
            var definition = try Samples.definition("s-\(text)")
            definition.modelVersion = try #require(ModelVersion(text))
            _ = try await state.register(definition, source: .api, floor: .zero)
        }
    }

    private func order(_ id: String, _ version: String) throws -> EvaluationOrder {
        EvaluationOrder(
            id: try #require(EvaluationID(id)),
            type: self.type,
            version: try #require(ModelVersion(version)),
            request: Array("{}".utf8)
        )
    }

    private func verdict(_ id: String, passed: Bool) throws -> Evaluation {
        var evaluation = Evaluation(
            id: try #require(EvaluationID(id)),
            metric: .mae,
            threshold: 0.5,
            endedAt: Timestamp(milliseconds: 0)
        )
        (evaluation.value, evaluation.passed) = (0.1 + 0.2, passed)
        return evaluation
    }

    private func pointers(_ reply: ModelReply) throws -> ModelPointers {
        guard case .changed(let change) = reply, case .model(_, let pointers, _)? = change.entry.record?.content else {
            Issue.record("\(reply)")
            throw StateSurprise()
        }
        return pointers
    }

    @Test func `wait for the leader, the first first, and stay until they have a verdict`() async throws {
        try await withState { state in
            try await self.offer("v1", "v2", to: state)
            let (first, second) = (try self.order("a", "v2"), try self.order("b", "v1"))
            #expect(try await state.submitEvaluation(first) == .queued)
            #expect(try await state.submitEvaluation(first) == .known)
            #expect(try await state.submitEvaluation(second) == .queued)
            #expect(try await state.submitEvaluation(self.order("c", "v9")) == .refused(.unknown(version: "v9")))
            #expect(try await state.nextEvaluation(term: Term(7)) == DueEvaluation(order: first, attempts: 1))
            #expect(try await state.nextEvaluation(term: Term(8)) == DueEvaluation(order: first, attempts: 2))
            #expect(try await state.nextEvaluation(term: Term(7)) == nil, "an older term has no say")
            let verdict = try self.verdict("a", passed: true)
            let late = try await state.endEvaluation(first, verdict, term: Term(7), floor: .zero)
            #expect(late == .refused(.fenced))
            _ = try await state.endEvaluation(first, verdict, term: Term(8), floor: .zero)
            let twice = try await state.endEvaluation(first, verdict, term: Term(8), floor: .zero)
            #expect(twice == .refused(.stale))
            #expect(try await state.submitEvaluation(first) == .known, "it has its verdict")
            #expect(try await state.nextEvaluation(term: Term(8))?.order == second)
        }
    }

    @Test func `leave the last five verdicts on the version, and give them back as they were`() async throws {
        try await withState { state in
            try await self.offer("v1", "v2", to: state)
            var last: ModelReply?
            for number in 1...6 {
                let order = try self.order("e\(number)", "v2")
                _ = try await state.submitEvaluation(order)
                let verdict = try self.verdict("e\(number)", passed: false)
                last = try await state.endEvaluation(order, verdict, term: Term(1), floor: .zero)
            }
            let reply = try #require(last)
            let notes = try self.pointers(reply).notes[try #require(ModelVersion("v2"))]
            let names = notes?.evaluations.map { $0["evaluation_id"]?.asString }
            #expect(names == ["e2", "e3", "e4", "e5", "e6"])
            #expect(notes?.evaluations.last == (try self.verdict("e6", passed: false).json))
            guard case .changed(let change) = reply, let record = change.entry.record else { return }
            #expect(RegistryRecord(key: record.key, stamp: record.stamp, fields: record.fields) == record)
        }
    }

    @Test func `are demanded by a switch, if it or the model type says so`() async throws {
        try await withState { state in
            try await self.offer("v1", "v2", to: state)
            let (one, two) = (try #require(ModelVersion("v1")), try #require(ModelVersion("v2")))
            var strict = SwitchOrder(version: two)
            strict.requiresEvaluation = true
            let never = ModelReply.refused(.unevaluated(verdict: "none"))
            #expect(try await state.switchModel(self.type, to: strict, floor: .zero) == never)
            let required = try await state.requireEvaluation(of: self.type, true, floor: .zero)
            #expect(try self.pointers(required).requiresEvaluation)
            let plain = SwitchOrder(version: two)
            #expect(try await state.switchModel(self.type, to: plain, floor: .zero) == never)
            for passed in [false, true] {
                let order = try self.order("e\(passed)", "v2")
                _ = try await state.submitEvaluation(order)
                let verdict = try self.verdict("e\(passed)", passed: passed)
                _ = try await state.endEvaluation(order, verdict, term: Term(1), floor: .zero)
                strict.isForced = !passed
                let reply = try await state.switchModel(self.type, to: strict, floor: .zero)
                if passed {
                    #expect(try self.pointers(reply).latest == two)
                } else {
                    #expect(reply == .refused(.unevaluated(verdict: "failed")), "force overlooks the type's wish alone")
                }
            }
            let forced = SwitchOrder(version: one, isForced: true)
            #expect(try self.pointers(await state.switchModel(self.type, to: forced, floor: .zero)).latest == one)
        }
    }

    @Test(arguments: [("v1", true, true), ("v1", false, false), ("v2", true, false)])
    func `promote what passed, if the latest is the one expected`(
        expected: String,
        passed: Bool,
        promotes: Bool
    ) async throws {
        try await withState { state in
            try await self.offer("v1", "v2", "v3", to: state)
            let order = try self.order("e", "v3")
            _ = try await state.submitEvaluation(order)
            let reply = try await state.endEvaluation(
                order,
                self.verdict("e", passed: passed),
                promoting: ModelVersion(expected),
                term: Term(1),
                floor: .zero
            )
            let latest = try self.pointers(reply).latest
            #expect(latest == (promotes ? ModelVersion("v3") : nil))
            #expect(try self.pointers(reply).history == (promotes ? [try #require(ModelVersion("v1"))] : []))
        }
    }
}
