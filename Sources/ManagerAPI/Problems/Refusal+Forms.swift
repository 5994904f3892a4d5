internal import Gateway
internal import Registry

/// Requests that were understood and refused for what they say: 422, with all that is wrong at once.
extension Refusal {
    /// One thing is wrong, at a place such as `["query", "limit"]`.
    static func invalid(at location: [String], _ message: String, type: String) -> Refusal {
        Self.invalid([Fault(location: location, message: message, type: type)])
    }

    init(_ form: FormProblems) {
        self = Self.invalid(form.problems.map { Fault(location: $0.loc, message: $0.msg, type: $0.type.rawValue) })
    }

    private static func invalid(_ faults: [Fault]) -> Refusal {
        let first = faults.first.map { "\($0.location.joined(separator: ".")): \($0.message)" }
        let more = faults.count > 1 ? " (and \(faults.count - 1) more)" : ""
        return Refusal(Problem(.validationError, (first ?? "the request is not valid") + more), faults: faults)
    }
}
