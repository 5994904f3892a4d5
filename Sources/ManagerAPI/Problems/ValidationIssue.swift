internal import Registry

/// One thing that is wrong with a request whose JSON is well formed, in the form that FastAPI's clients know.
struct ValidationIssue: Hashable, Sendable {
    /// Where, such as `body`, `weight`.
    var location: [String]
    var message: String
    /// For programs, such as `missing`, `extra_forbidden`.
    var type: String
}

/// A request that was understood and refused for what it says: 422, with all that is wrong at once.
struct InvalidRequest: Error, Hashable, Sendable {
    var issues: [ValidationIssue]

    init(_ issues: [ValidationIssue]) { self.issues = issues }

    init(at location: [String], _ message: String, type: String) {
        self.issues = [ValidationIssue(location: location, message: message, type: type)]
    }

    /// The first issue as a sentence; `error` of the answer.
    var sentence: String {
        guard let first = self.issues.first else { return "the request is not valid" }
        let more = self.issues.count > 1 ? " (and \(self.issues.count - 1) more)" : ""
        return "\(first.location.joined(separator: ".")): \(first.message)\(more)"
    }
}

extension InvalidRequest {
    init(_ form: FormProblems) {
        self.issues = form.problems.map {
            ValidationIssue(location: $0.loc, message: $0.msg, type: $0.type.rawValue)
        }
    }
}
