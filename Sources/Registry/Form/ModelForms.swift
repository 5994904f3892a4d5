/// What `POST /models/{model_type}/rollback` asks for; everything may be left out.
public struct RollbackForm: Hashable, Sendable {
    public var expected: ModelVersion?
    public var isForced: Bool
    public var timeout: Duration?

    public static func read(_ value: JSONValue, at loc: [String] = ["body"]) throws(FormProblems) -> RollbackForm {
        var fields = try FormFields(value, at: loc)
        let form = RollbackForm(
            expected: fields.version("expected", isRequired: false),
            isForced: fields.bool("force") ?? false,
            timeout: fields.seconds("timeout", atMost: SwitchForm.timeoutMax)
        )
        try fields.finish()
        return form
    }
}

/// What `PUT /models/{model_type}/aliases/{alias}` asks for.
public struct AliasForm: Hashable, Sendable {
    public var version: ModelVersion

    public static func read(_ value: JSONValue, at loc: [String] = ["body"]) throws(FormProblems) -> AliasForm {
        var fields = try FormFields(value, at: loc)
        let version = fields.version("version", isRequired: true)
        try fields.finish()
        guard let version else { throw FormProblems(fields.problems) }
        return AliasForm(version: version)
    }
}

/// What `PUT /models/{model_type}/traffic` asks for: whole percentages that add up to 100, and who gets copies. What is
/// left out ends: without `split` all goes to the latest, without `shadow` nothing is copied; one of them must be there.
public struct TrafficForm: Hashable, Sendable {
    public var split: [ModelVersion: Int]
    public var shadow: Shadow?

    public static let versionsMax = 100

    public static func read(_ value: JSONValue, at loc: [String] = ["body"]) throws(FormProblems) -> TrafficForm {
        var fields = try FormFields(value, at: loc)
        let shadow = fields.member("shadow").flatMap { Self.shadow($0, &fields) }
        let object = fields.member("split")
        if object == nil, shadow == nil, fields.problems.isEmpty { fields.missing("split") }
        let split = object.map { Self.split($0, &fields) } ?? [:]
        try fields.finish()
        return TrafficForm(split: split, shadow: shadow)
    }

    /// A version, or `{"version", "percent", "field"}`.
    private static func shadow(_ value: JSONValue, _ fields: inout FormFields) -> Shadow? {
        let percent = value["percent"].map { Self.share($0) ?? 0 } ?? 100
        let field = value["field"].map { $0.asString ?? "" } ?? Shadow.fieldDefault
        let known = value.asObject?.members.allSatisfy { ["version", "percent", "field"].contains($0.name) } ?? true
        guard known, let name = value.asString ?? value["version"]?.asString, let version = ModelVersion(name),
            version != .latest, percent > 0, NameRule.allows(field)
        else {
            let form = #"a version, or {"version": …, "percent": 1 to 100, "field": the member to compare}"#
            fields.fault("shadow", .value, "must be \(form)")
            return nil
        }
        return Shadow(version: version, percent: percent, field: field)
    }

    private static func split(_ value: JSONValue, _ fields: inout FormFields) -> [ModelVersion: Int] {
        guard let members = value.asObject?.members, members.count <= Self.versionsMax else {
            fields.fault("split", .dictType, "must be an object of at most \(Self.versionsMax) versions")
            return [:]
        }
        var split: [ModelVersion: Int] = [:]
        for member in members {
            if let version = ModelVersion(member.name), version != .latest, let share = Self.share(member.value) {
                split[version] = share
            } else {
                fields.fault(
                    "split",
                    element: member.name,
                    .value,
                    "must be a version with a whole number from 0 to 100"
                )
            }
        }
        let sum = split.values.reduce(0, +)
        if fields.problems.isEmpty, sum != 100 {
            fields.fault("split", .value, "must add up to 100, not \(sum)")
        }
        return split
    }

    private static func share(_ value: JSONValue) -> Int? {
        guard let number = value.asNumber, let share = Int(exactly: number), (0...100).contains(share) else {
            return nil
        }
        return share
    }
}

/// What `PATCH /models/{model_type}` asks for.
public struct ModelPatch: Hashable, Sendable {
    public var requiresEvaluation: Bool

    public static func read(_ value: JSONValue, at loc: [String] = ["body"]) throws(FormProblems) -> ModelPatch {
        var fields = try FormFields(value, at: loc)
        let requires = fields.bool("require_evaluation")
        if fields.member("require_evaluation") == nil { fields.missing("require_evaluation") }
        try fields.finish()
        return ModelPatch(requiresEvaluation: requires ?? false)
    }
}

/// What `POST /models/{model_type}/versions/{version}/retire` asks for; everything may be left out.
public struct RetireForm: Hashable, Sendable {
    /// How long the version's last requests are waited for.
    public var timeout: Duration

    public static let timeoutDefault = Duration.seconds(60)

    public static func read(_ value: JSONValue, at loc: [String] = ["body"]) throws(FormProblems) -> RetireForm {
        var fields = try FormFields(value, at: loc)
        let timeout = fields.seconds("timeout", atMost: 86_400) ?? Self.timeoutDefault
        try fields.finish()
        return RetireForm(timeout: timeout)
    }
}

extension FormFields {
    /// A version by its own name.
    mutating func version(_ name: String, isRequired: Bool) -> ModelVersion? {
        let version = self.name(name, ModelVersion.self)
        if version == nil, isRequired, self.member(name) == nil { self.missing(name) }
        guard version != .latest else {
            self.fault(name, .value, "must be a version, and latest is none")
            return nil
        }
        return version
    }

    mutating func number(_ name: String, in range: ClosedRange<Double>) -> Double? {
        guard let value = self.member(name) else { return nil }
        guard let number = value.asNumber else {
            self.fault(name, .floatType, "must be a number, not \(value.kindName)")
            return nil
        }
        guard range.contains(number) else {
            self.fault(name, .value, "must be between \(range.lowerBound) and \(range.upperBound)")
            return nil
        }
        return number
    }
}
