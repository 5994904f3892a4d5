internal import HTTPTypes
internal import Hummingbird
internal import Registry

/// The only place that makes an HTTP answer of an error.
///
/// What is not a `Problem` or an `InvalidRequest` tells the caller nothing but `internal_error` and the request id
/// under which the log has the rest.
struct ProblemAnswer {
    var problem: Problem
    var issues: [ValidationIssue] = []
    var allow: [HTTPRequest.Method] = []

    /// Nil when the error is nobody's to see: the caller left.
    init?(_ error: any Error) {
        switch error {
        case let problem as Problem: self.init(problem)
        case let invalid as InvalidRequest: self.init(invalid)
        case let form as FormProblems: self.init(InvalidRequest(form))
        case let refused as MethodNotAllowed:
            self.init(refused.problem)
            self.allow = refused.allow
        case is CancellationError: return nil
        default: self.init(Problem(.internalError, "the manager failed to answer this request"))
        }
    }

    init(_ problem: Problem) { self.problem = problem }

    private init(_ invalid: InvalidRequest) {
        self.problem = Problem(.validationError, invalid.sentence)
        self.issues = invalid.issues
    }

    func response(requestID: String) -> Response {
        var headers: HTTPFields = [.contentType: "application/json"]
        headers[.contentTypeOptions] = "nosniff"
        headers[.cacheControl] = "no-store"
        headers[.managerErrorCode] = self.problem.code.rawValue
        if let seconds = self.retryAfter { headers[.retryAfter] = String(seconds) }
        if !self.allow.isEmpty { headers[.allow] = self.allow.map(\.rawValue).joined(separator: ", ") }
        if self.problem.code == .payloadTooLarge { headers[.connection] = "close" }
        let body = ByteBuffer(string: self.body(requestID: requestID).serialized())
        return Response(
            status: .init(code: self.problem.code.status),
            headers: headers,
            body: .init(byteBuffer: body)
        )
    }

    func body(requestID: String) -> JSONValue {
        [
            "error": .string(self.problem.message), "code": .string(self.problem.code.rawValue),
            "detail": self.detail, "request_id": .string(requestID),
            "attempts": .array(self.problem.attempts.map(Self.json)),
        ]
    }

    private var detail: JSONValue {
        guard self.issues.isEmpty else { return .array(self.issues.map(Self.json)) }
        return .string(self.problem.detail ?? self.problem.message)
    }

    /// Whole seconds: clients that obey them must not come back at once.
    private var retryAfter: Int? {
        if let seconds = self.problem.retryAfter { return max(1, seconds) }
        return self.problem.code.status == 503 || self.problem.code.status == 429 ? 1 : nil
    }

    private static func json(_ issue: ValidationIssue) -> JSONValue {
        ["loc": JSONValue(issue.location), "msg": .string(issue.message), "type": .string(issue.type)]
    }

    private static func json(_ attempt: Problem.Attempt) -> JSONValue {
        [
            "service_id": .string(attempt.service.text), "url": .string(attempt.url.description),
            "outcome": .string(attempt.outcome), "ms": .integer(attempt.milliseconds),
        ]
    }
}

/// A known path asked for with a method it does not have; the only problem that carries a header of its own.
struct MethodNotAllowed: Error {
    var problem: Problem
    var allow: [HTTPRequest.Method]
}
