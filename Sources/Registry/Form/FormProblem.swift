/// One fault of a form, in the shape that clients of FastAPI know: where, what, and of which kind.
public struct FormProblem: Hashable, Sendable {
    /// The kinds, with FastAPI's names where it has one.
    public enum Kind: String, Hashable, Sendable, CaseIterable {
        case missing
        case extraForbidden = "extra_forbidden"
        case stringType = "string_type"
        case intType = "int_type"
        case floatType = "float_type"
        case boolType = "bool_type"
        case listType = "list_type"
        case dictType = "dict_type"
        case greaterThan = "greater_than"
        case greaterThanEqual = "greater_than_equal"
        case lessThanEqual = "less_than_equal"
        case tooLong = "too_long"
        case pattern = "string_pattern_mismatch"
        case url = "url_parsing"
        case literal = "literal_error"
        /// Allowed by itself, but not here.
        case value = "value_error"
    }

    /// The way to the member, such as `["body", "capabilities", "2"]`.
    public let loc: [String]
    /// A sentence without a place.
    public let msg: String
    public let type: Kind

    public init(loc: [String], msg: String, type: Kind) {
        self.loc = loc
        self.msg = msg
        self.type = type
    }

    public var json: JSONValue {
        ["loc": .array(self.loc.map { .string($0) }), "msg": .string(self.msg), "type": .string(self.type.rawValue)]
    }
}

/// All faults of one form; never empty when thrown.
public struct FormProblems: Error, Hashable, Sendable, CustomStringConvertible {
    public let problems: [FormProblem]

    public init(_ problems: [FormProblem]) {
        self.problems = problems
    }

    /// The `detail` of an answer with status 422.
    public var json: JSONValue { .array(self.problems.map(\.json)) }

    /// One line for logs.
    public var description: String {
        self.problems.map { "\($0.loc.joined(separator: ".")): \($0.msg)" }.joined(separator: "; ")
    }
}
