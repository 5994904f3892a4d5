/// Reads the members of a form one by one and collects every fault instead of stopping at the first.
///
/// What was asked for is known; `finish` names every member that nobody asked for. A member that is `null` counts as
/// absent.
struct FormFields {
    private let object: JSONObject
    private let loc: [String]
    private var asked: Set<String> = []
    private(set) var problems: [FormProblem] = []

    init(_ value: JSONValue, at loc: [String]) throws(FormProblems) {
        guard case .object(let object) = value else {
            throw FormProblems([FormProblem(loc: loc, msg: "must be an object, not \(value.kindName)", type: .dictType)]
            )
        }
        self.object = object
        self.loc = loc
    }

    /// The member, nil when it is absent.
    mutating func member(_ name: String) -> JSONValue? {
        self.asked.insert(name)
        guard let value = self.object[name], value != .null else { return nil }
        return value
    }

    mutating func fault(_ name: String, _ type: FormProblem.Kind, _ msg: String) {
        self.problems.append(FormProblem(loc: self.loc + [name], msg: msg, type: type))
    }

    mutating func fault(_ name: String, element: String, _ type: FormProblem.Kind, _ msg: String) {
        self.problems.append(FormProblem(loc: self.loc + [name, element], msg: msg, type: type))
    }

    mutating func missing(_ name: String) {
        self.fault(name, .missing, "is required")
    }

    mutating func string(_ name: String) -> String? {
        guard let value = self.member(name) else { return nil }
        if let text = value.asString { return text }
        self.fault(name, .stringType, "must be a string, not \(value.kindName)")
        return nil
    }

    mutating func bool(_ name: String) -> Bool? {
        guard let value = self.member(name) else { return nil }
        if let bool = value.asBool { return bool }
        self.fault(name, .boolType, "must be true or false, not \(value.kindName)")
        return nil
    }

    mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
        guard let value = self.member(name) else { return nil }
        guard let integer = Self.wholeNumber(value) else {
            self.fault(name, .intType, "must be an integer, not \(value.kindName)")
            return nil
        }
        if integer < range.lowerBound {
            self.fault(name, .greaterThanEqual, "must be at least \(range.lowerBound)")
        } else if integer > range.upperBound {
            self.fault(name, .lessThanEqual, "must be at most \(range.upperBound)")
        } else {
            return integer
        }
        return nil
    }

    /// An integer, also when it is written `5.0`.
    private static func wholeNumber(_ value: JSONValue) -> Int? {
        switch value {
        case .integer(let integer): Int(integer)
        case .number(let number): Int(exactly: number)
        case .null, .bool, .string, .array, .object: nil
        }
    }

    /// Seconds, fractions allowed, above 0.
    mutating func seconds(_ name: String, atMost limit: Double) -> Duration? {
        guard let value = self.member(name) else { return nil }
        guard let seconds = value.asNumber else {
            self.fault(name, .floatType, "must be a number of seconds, not \(value.kindName)")
            return nil
        }
        if seconds <= 0 {
            self.fault(name, .greaterThan, "must be greater than 0 seconds")
        } else if seconds > limit {
            self.fault(name, .lessThanEqual, "must be at most \(Int(limit)) seconds")
        } else {
            return .nanoseconds(max(1, Int64((seconds * 1e9).rounded())))
        }
        return nil
    }

    /// One of the words of an enumeration.
    mutating func choice<Choice: RawRepresentable<String> & CaseIterable>(_ name: String, _ type: Choice.Type)
        -> Choice?
    {
        guard let text = self.string(name) else { return nil }
        if let choice = Choice(rawValue: text) { return choice }
        let words = Choice.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        self.fault(name, .literal, "must be one of \(words)")
        return nil
    }

    /// A text that follows `NameRule`.
    mutating func name<Noun: Name>(_ name: String, _ type: Noun.Type) -> Noun? {
        guard let text = self.string(name) else { return nil }
        if let noun = Noun(text) { return noun }
        self.fault(name, .pattern, "must match \(NameRule.pattern)")
        return nil
    }

    /// Names every member that no reader asked for, then throws if anything was wrong.
    mutating func finish() throws(FormProblems) {
        for member in self.object.members where !self.asked.contains(member.name) {
            self.problems.append(
                FormProblem(
                    loc: self.loc + [member.name],
                    msg: "unknown field \"\(member.name)\"",
                    type: .extraForbidden
                )
            )
        }
        guard self.problems.isEmpty else { throw FormProblems(self.problems) }
    }
}
