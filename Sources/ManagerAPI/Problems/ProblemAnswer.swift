internal import Gateway
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Registry

/// The only place that makes an HTTP answer of an error.
///
/// What is no `Problem` tells the caller nothing but `internal_error` and the request id under which the log has the
/// rest.
struct ProblemAnswer {
    var problem: Problem
    var faults: [Refusal.Fault] = []
    var allow: [HTTPRequest.Method] = []
    var challenges: [String] = []

    /// Nil when the error is nobody's to see: the caller left.
    init?(answering error: any Error) {
        switch error {
        case let problem as Problem: self.init(problem)
        case let refusal as Refusal: self.init(refusal.problem, faults: refusal.faults)
        case let form as FormProblems: self.init(Refusal(form).problem, faults: Refusal(form).faults)
        case let refused as MethodNotAllowed:
            self.init(refused.problem)
            self.allow = refused.allow
        case let refused as Unauthorized:
            self.init(refused.problem)
            self.challenges = refused.challenges
        case is CancellationError: return nil
        default: self.init(Problem(.internalError, "the manager failed to answer this request"))
        }
    }

    init(_ problem: Problem, faults: [Refusal.Fault] = []) {
        self.problem = problem
        self.faults = faults
    }

    func response(requestID: String) -> Response {
        var headers: HTTPFields = [
            .contentType: ProblemBody.contentType, .xContentTypeOptions: "nosniff", .cacheControl: "no-store",
            .managerErrorCode: self.problem.code.rawValue,
        ]
        if let seconds = self.retryAfter { headers[.retryAfter] = String(seconds) }
        if !self.allow.isEmpty { headers[.allow] = self.allow.map(\.rawValue).joined(separator: ", ") }
        for challenge in self.challenges { headers.append(HTTPField(name: .wwwAuthenticate, value: challenge)) }
        if self.problem.code == .payloadTooLarge { headers[.connection] = "close" }
        return Response(
            status: .init(code: self.problem.code.status),
            headers: headers,
            body: .init(byteBuffer: self.body(requestID: requestID))
        )
    }

    func body(requestID: String) -> ByteBuffer {
        ProblemBody.render(self.problem, faults: self.faults, requestID: requestID)
    }

    /// Whole seconds: clients that obey them must not come back at once.
    private var retryAfter: Int? {
        if let seconds = self.problem.retryAfter { return max(1, seconds) }
        return self.problem.code.status == 503 || self.problem.code.status == 429 ? 1 : nil
    }
}

/// A known path asked for with a method it does not have; the only problem that carries a header of its own.
struct MethodNotAllowed: Error {
    var problem: Problem
    var allow: [HTTPRequest.Method]
}
