internal import Gateway
internal import Registry

/// The query of a request, decoded once; a member asked for in the wrong form is refused with its name.
struct Query: Sendable {
    private let members: [String: String]

    init(_ text: String?) throws {
        var members: [String: String] = [:]
        for part in (text ?? "").split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let value = pair.count > 1 ? pair[1] : ""
            guard let name = PercentCoding.decode(pair[0], plusIsBlank: true),
                let value = PercentCoding.decode(value, plusIsBlank: true)
            else { throw Problem(.invalidRequest, "the query's percent-encoding is broken") }
            guard members.updateValue(value, forKey: name) == nil else {
                throw Refusal.invalid(at: ["query", name], "stands more than once", type: "duplicate")
            }
        }
        self.members = members
    }

    subscript(_ name: String) -> String? { self.members[name].flatMap { $0.isEmpty ? nil : $0 } }

    func integer(_ name: String, in range: ClosedRange<Int>, default standard: Int) throws -> Int {
        guard let text = self[name] else { return standard }
        guard let value = Int(text), range.contains(value) else {
            let message = "must be a whole number from \(range.lowerBound) to \(range.upperBound)"
            throw Refusal.invalid(at: ["query", name], message, type: "int_range")
        }
        return value
    }

    /// `limit`, the same for every list that is paged. A list may have shorter pages: `next` says whether more follows.
    func pageLimit() throws -> Int { try self.integer("limit", in: 1...10_000, default: 1000) }

    func flag(_ name: String) throws -> Bool {
        switch self[name] {
        case nil, "false", "0": return false
        case "true", "1": return true
        default: throw Refusal.invalid(at: ["query", name], "must be true or false", type: "bool_parsing")
        }
    }

    func choice<Choice: RawRepresentable & CaseIterable>(_ name: String, _ type: Choice.Type) throws -> Choice?
    where Choice.RawValue == String {
        guard let text = self[name] else { return nil }
        guard let value = Choice(rawValue: text) else {
            let allowed = Choice.allCases.map(\.rawValue).joined(separator: ", ")
            throw Refusal.invalid(at: ["query", name], "must be one of \(allowed)", type: "enum")
        }
        return value
    }

    func name<Kind: Name>(_ name: String, _ type: Kind.Type) throws -> Kind? {
        guard let text = self[name] else { return nil }
        guard let value = Kind(text) else {
            throw Refusal.invalid(
                at: ["query", name],
                "must match \(NameRule.pattern)",
                type: "string_pattern_mismatch"
            )
        }
        return value
    }
}
