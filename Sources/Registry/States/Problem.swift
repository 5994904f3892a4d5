/// An error that the manager itself answers with; one for every row of the contract's table of errors.
///
/// The HTTP status, header and body are made of it in one place per door; rules only name the problem.
public struct Problem: Error, Hashable, Sendable {
    /// For programs; also in `x-mm-error-code`.
    public enum Code: String, Hashable, Sendable, CaseIterable {
        case invalidRequest = "invalid_request"
        case unauthorized, forbidden
        case modelNotFound = "model_not_found"
        case serviceNotFound = "service_not_found"
        case jobNotFound = "job_not_found"
        case versionNotFound = "version_not_found"
        case notFound = "not_found"
        case methodNotAllowed = "method_not_allowed"
        case notAcceptable = "not_acceptable"
        case unsupportedMediaType = "unsupported_media_type"
        case capabilityMismatch = "capability_mismatch"
        case versionConflict = "version_conflict"
        case versionInUse = "version_in_use"
        case idempotencyConflict = "idempotency_conflict"
        case payloadTooLarge = "payload_too_large"
        case headersTooLarge = "headers_too_large"
        case validationError = "validation_error"
        case rateLimited = "rate_limited"
        case upstreamUnreachable = "upstream_unreachable"
        case upstreamInvalid = "upstream_invalid"
        case quorumNotMet = "quorum_not_met"
        case noHealthyService = "no_healthy_service"
        case overloaded, draining
        case storeUnavailable = "store_unavailable"
        case epochNotReached = "epoch_not_reached"
        case upstreamTimeout = "upstream_timeout"
        case requestTimeout = "request_timeout"
        case internalError = "internal_error"
    }

    /// One attempt at an instance, as the caller is told of it.
    public struct Attempt: Hashable, Sendable {
        public var service: ServiceID
        public var url: ServiceURL
        /// Such as `connect_refused`, `reset`, `timeout`, `status_503`.
        public var outcome: String
        public var milliseconds: Int64

        public init(service: ServiceID, url: ServiceURL, outcome: String, milliseconds: Int64) {
            self.service = service
            self.url = url
            self.outcome = outcome
            self.milliseconds = milliseconds
        }
    }

    public var code: Code
    /// A sentence for people.
    public var message: String
    public var detail: String?
    /// Whole seconds for `Retry-After`.
    public var retryAfter: Int?
    public var attempts: [Attempt]

    public init(
        _ code: Code,
        _ message: String,
        detail: String? = nil,
        retryAfter: Int? = nil,
        attempts: [Attempt] = []
    ) {
        self.code = code
        self.message = message
        self.detail = detail
        self.retryAfter = retryAfter
        self.attempts = attempts
    }
}

extension Problem.Code {
    /// What a service means that answers with this status, 400 or more. What it calls its own failure is no failure of the
    /// manager's.
    public init(ofAnswer status: Int) {
        let known: [Self] = [
            .unauthorized, .forbidden, .notFound, .methodNotAllowed, .notAcceptable, .requestTimeout, .payloadTooLarge,
            .unsupportedMediaType, .validationError, .rateLimited, .headersTooLarge, .overloaded, .upstreamTimeout,
        ]
        self = known.first { $0.status == status } ?? (status < 500 ? .invalidRequest : .upstreamInvalid)
    }

    /// The HTTP status that clients expect of the problem.
    public var status: Int {
        switch self {
        case .invalidRequest: 400
        case .unauthorized: 401
        case .forbidden: 403
        case .modelNotFound, .serviceNotFound, .jobNotFound, .versionNotFound, .notFound: 404
        case .methodNotAllowed: 405
        case .notAcceptable: 406
        case .requestTimeout: 408
        case .capabilityMismatch, .versionConflict, .versionInUse, .idempotencyConflict: 409
        case .payloadTooLarge: 413
        case .unsupportedMediaType: 415
        case .validationError: 422
        case .rateLimited: 429
        case .headersTooLarge: 431
        case .internalError: 500
        case .upstreamUnreachable, .upstreamInvalid, .quorumNotMet: 502
        case .noHealthyService, .overloaded, .draining, .storeUnavailable, .epochNotReached: 503
        case .upstreamTimeout: 504
        }
    }
}
