public import Registry

/// What a caller asks for with the member `aggregate` of a prediction: whom, and how their answers become one.
///
/// `{"strategy": "mean", "over": ["LSTM@v1", "GRU"], "quorum": 2, "field": "prediction", "weights": [2, 1]}`; only
/// `strategy` and `over` are needed. A target without a version means `latest`; aliases are versions here.
public struct AggregateOrder: Hashable, Sendable {
    /// How the members' answers become one; see `Combination`.
    public enum Strategy: String, Hashable, Sendable, CaseIterable { case mean, median, vote, weighted, all, first }

    /// One model version that is asked; the version is nil for `latest`.
    public struct Target: Hashable, Sendable {
        public var modelType: ModelType
        public var version: ModelVersion?
    }

    /// What is wrong, where inside the body, and a word for programs.
    public struct Fault: Error, Hashable, Sendable {
        public var location: [String]
        public var message: String
        public var type: String
    }

    public static let targetsMax = 16

    public var strategy: Strategy
    public var targets: [Target]
    /// So many members must answer. Default: one for `first`, else all.
    public var quorum: Int
    /// The member of each answer that is combined.
    public var field: String
    /// For `weighted`, one for each target, above 0.
    public var weights: [Double]

    private static let members: Set<String> = ["strategy", "over", "quorum", "field", "weights"]

    public init(_ value: JSONValue) throws(Fault) {
        guard let object = value.asObject else {
            throw Self.fault([], "must be an object, not \(value.kindName)", "dict_type")
        }
        for name in object.names where !Self.members.contains(name) {
            throw Self.fault([], "has a member that is not known: \(name)", "extra_forbidden")
        }
        self.strategy = try Self.strategy(object["strategy"])
        self.targets = try Self.targets(object["over"])
        let most = self.targets.count
        self.quorum = try Self.quorum(object["quorum"], most: most) ?? (self.strategy == .first ? 1 : most)
        self.field = try Self.field(object["field"])
        self.weights = try Self.weights(object["weights"], self.strategy, count: most)
    }

    private static func strategy(_ value: JSONValue?) throws(Fault) -> Strategy {
        guard let text = try self.needed(value, "strategy").asString else {
            throw self.fault(["strategy"], "must be a string", "string_type")
        }
        guard let strategy = Strategy(rawValue: text) else {
            let words = Strategy.allCases.map(\.rawValue).joined(separator: ", ")
            throw self.fault(["strategy"], "must be one of \(words)", "literal_error")
        }
        return strategy
    }

    private static func targets(_ value: JSONValue?) throws(Fault) -> [Target] {
        guard let list = try self.needed(value, "over").asArray else {
            throw self.fault(["over"], "must be a list of targets such as LSTM@v1", "list_type")
        }
        guard (1...Self.targetsMax).contains(list.count) else {
            throw self.fault(["over"], "must name 1 to \(Self.targetsMax) targets", "too_long")
        }
        var targets: [Target] = []
        for (place, element) in list.enumerated() {
            guard let target = element.asString.flatMap(Self.target) else {
                throw self.fault(["over", String(place)], "must be a target such as LSTM or LSTM@v1", "value_error")
            }
            guard !targets.contains(target) else {
                throw self.fault(["over", String(place)], "is there twice", "value_error")
            }
            targets.append(target)
        }
        return targets
    }

    private static func target(_ text: String) -> Target? {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard let type = ModelType(parts[0]) else { return nil }
        guard parts.count == 2 else { return Target(modelType: type, version: nil) }
        if parts[1] == ModelVersion.latest.text { return Target(modelType: type, version: nil) }
        return ModelVersion(parts[1]).map { Target(modelType: type, version: $0) }
    }

    private static func quorum(_ value: JSONValue?, most: Int) throws(Fault) -> Int? {
        guard let value, value != .null else { return nil }
        guard let quorum = value.asInteger, (1...Int64(most)).contains(quorum) else {
            throw self.fault(["quorum"], "must be an integer from 1 to \(most), the number of targets", "int_type")
        }
        return Int(quorum)
    }

    private static func field(_ value: JSONValue?) throws(Fault) -> String {
        guard let value, value != .null else { return "prediction" }
        guard let field = value.asString, !field.isEmpty else {
            throw self.fault(["field"], "must be the name of a member of the answers", "string_type")
        }
        return field
    }

    private static func weights(_ value: JSONValue?, _ strategy: Strategy, count: Int) throws(Fault) -> [Double] {
        guard strategy == .weighted else {
            guard value == nil || value == .null else {
                throw self.fault(["weights"], "only goes with the strategy weighted", "value_error")
            }
            return []
        }
        let list = try self.needed(value, "weights").asArray?.compactMap(\.asNumber).filter { $0 > 0 } ?? []
        guard list.count == count else {
            throw self.fault(
                ["weights"],
                "must be a list of \(count) numbers above 0, one for each target",
                "list_type"
            )
        }
        return list
    }

    private static func needed(_ value: JSONValue?, _ name: String) throws(Fault) -> JSONValue {
        guard let value, value != .null else { throw self.fault([name], "field required", "missing") }
        return value
    }

    private static func fault(_ inside: [String], _ message: String, _ type: String) -> Fault {
        Fault(location: ["body", "aggregate"] + inside, message: message, type: type)
    }
}

extension AggregateOrder.Target: CustomStringConvertible {
    public var description: String { self.version.map { "\(self.modelType)@\($0)" } ?? "\(self.modelType)" }
}
