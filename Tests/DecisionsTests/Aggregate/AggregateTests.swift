import Decisions
import Registry
import Testing

/// What may be asked of several models at once, when they have answered, and what becomes of their answers.
@Suite struct `Aggregates` {
    private static func order(_ text: String) throws -> AggregateOrder {
        try AggregateOrder(JSONValue.parse(text))
    }

    private static func json(_ text: String) throws -> JSONValue { try JSONValue.parse(text) }

    @Test func `reads an order and fills in what is absent`() throws {
        let order = try Self.order(#"{"strategy": "mean", "over": ["LSTM@v1", "GRU", "A@latest"]}"#)
        #expect(order.targets.map(\.description) == ["LSTM@v1", "GRU", "A"])
        #expect(order.quorum == 3)
        #expect(order.field == "prediction")
        #expect(try Self.order(#"{"strategy": "first", "over": ["A", "B"]}"#).quorum == 1)
    }

    @Test(arguments: [
        (#"3"#, "body.aggregate"), (#"{"over": ["A"]}"#, "body.aggregate.strategy"),
        (#"{"strategy": "best", "over": ["A"]}"#, "body.aggregate.strategy"),
        (#"{"strategy": "mean"}"#, "body.aggregate.over"),
        (#"{"strategy": "mean", "over": []}"#, "body.aggregate.over"),
        (#"{"strategy": "mean", "over": ["A", "A"]}"#, "body.aggregate.over.1"),
        (#"{"strategy": "mean", "over": ["A", "A@latest"]}"#, "body.aggregate.over.1"),
        (#"{"strategy": "mean", "over": ["A@"]}"#, "body.aggregate.over.0"),
        (#"{"strategy": "mean", "over": ["@v1"]}"#, "body.aggregate.over.0"),
        (#"{"strategy": "mean", "over": [7]}"#, "body.aggregate.over.0"),
        (#"{"strategy": "mean", "over": ["A"], "quorum": 2}"#, "body.aggregate.quorum"),
        (#"{"strategy": "mean", "over": ["A"], "quorum": 0}"#, "body.aggregate.quorum"),
        (#"{"strategy": "mean", "over": ["A"], "field": ""}"#, "body.aggregate.field"),
        (#"{"strategy": "weighted", "over": ["A"]}"#, "body.aggregate.weights"),
        (#"{"strategy": "weighted", "over": ["A"], "weights": [0]}"#, "body.aggregate.weights"),
        (#"{"strategy": "mean", "over": ["A"], "weights": [1]}"#, "body.aggregate.weights"),
        (#"{"strategy": "mean", "over": ["A"], "qourum": 1}"#, "body.aggregate"),
    ])
    func `refuses what is wrong and says where`(text: String, place: String) throws {
        let value = try Self.json(text)
        let fault = #expect(throws: AggregateOrder.Fault.self) { try AggregateOrder(value) }
        #expect(fault?.location.joined(separator: ".") == place)
    }

    @Test(arguments: [
        (AggregateOrder.Strategy.mean, "[1, 2, 6]", "3.0"), (.median, "[1, 9, 2]", "2.0"),
        (.median, "[1, 4, 2, 3]", "2.5"), (.weighted, "[1, 5, 5]", "2.0"), (.all, "[1, [2], null]", "[1, [2], null]"),
        (.mean, "[[1, [2]], [3, [4]], [5, [9]]]", "[3.0, [5.0]]"), (.median, "[[1, 1], [2, 5], [9, 3]]", "[2.0, 3.0]"),
        (.vote, #"["a", "b", "b"]"#, #""b""#), (.vote, #"["c", "b", "a"]"#, #""c""#), (.vote, "[1, 2.0, 2]", "2.0"),
        (.vote, #"[["a", "x"], ["b", "x"], ["b", "y"]]"#, #"["b", "x"]"#), (.vote, "[[1], [1, 2], [1, 2]]", "[1, 2]"),
        (.first, "[1, 2, 3]", "2"),
    ])
    func `combines`(strategy: AggregateOrder.Strategy, values: String, combined: String) throws {
        let list = try #require(try Self.json(values).asArray)
        let result = try Combination.combine(list, by: strategy, weights: [3, 0.5, 0.5], first: 1)
        #expect(result == (try Self.json(combined)))
    }

    @Test(arguments: ["[1, \"a\"]", "[[1], 2]", "[[1], [1, 2]]", "[[1, null], [1, 2]]", "[1.7e308, 1.7e308]"])
    func `does not combine what does not go together`(values: String) throws {
        let list = try #require(try Self.json(values).asArray)
        #expect(throws: Combination.Mismatch.self) { try Combination.combine(list, by: .mean) }
    }

    @Test func `waits for all members though the quorum is met`() throws {
        var tally = AggregateTally(try Self.order(#"{"strategy": "mean", "over": ["A", "B", "C"], "quorum": 2}"#))
        #expect(tally.answered(1, .value(.integer(1))) == .wait)
        #expect(tally.answered(1, .value(.integer(2))) == .wait)
        #expect(tally.answered(0, .value(.integer(3))) == .wait)
        #expect(tally.answered(2, .failure("timeout")) == .finish(isQuorumMet: true, cancelled: []))
        #expect(tally.first == 1)
        #expect(tally.answered(2, .value(.null)) == .wait)
    }

    @Test func `waits for nobody once the quorum is out of reach`() throws {
        var tally = AggregateTally(try Self.order(#"{"strategy": "mean", "over": ["A", "B", "C"], "quorum": 3}"#))
        #expect(tally.answered(2, .failure("reset")) == .finish(isQuorumMet: false, cancelled: [0, 1]))
    }

    @Test func `the first answer ends the race and cancels the others`() throws {
        var tally = AggregateTally(try Self.order(#"{"strategy": "first", "over": ["A", "B", "C"]}"#))
        #expect(tally.answered(0, .failure("status_500")) == .wait)
        #expect(tally.answered(2, .value(.integer(1))) == .finish(isQuorumMet: true, cancelled: [1]))
    }

    /// Whatever the order of answers, it ends exactly once, at the latest with the last one.
    @Test func `ends once in every order`() throws {
        for strategy in ["mean", "first"] {
            for quorum in 1...3 {
                let text = #"{"strategy": "\#(strategy)", "over": ["A", "B", "C"], "quorum": \#(quorum)}"#
                for outcomes in 0..<8 {
                    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
                        var tally = AggregateTally(try Self.order(text))
                        let actions = order.map { place in
                            tally.answered(place, outcomes >> place & 1 == 1 ? .value(.null) : .failure("x"))
                        }
                        #expect(actions.count { $0 != .wait } == 1)
                        let finished = actions.first { $0 != .wait }
                        guard case .finish(let isMet, _) = finished else { continue }
                        #expect(isMet == (outcomes.nonzeroBitCount >= quorum))
                    }
                }
            }
        }
    }
}
