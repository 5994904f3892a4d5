internal import HTTPTypes

extension HTTPField.Name {
    // The literals are valid names; an invalid one would be nil and fail the first test that reads it.
    static let requestID = Self.known("x-request-id")
    static let managerReplica = Self.known("x-mm-replica")
    static let managerInstance = Self.known("x-mm-instance")
    static let managerEpoch = Self.known("x-mm-epoch")
    static let managerErrorCode = Self.known("x-mm-error-code")
    static let managerService = Self.known("x-mm-service")
    static let managerModelVersion = Self.known("x-mm-model-version")
    static let managerTimeout = Self.known("x-mm-timeout-ms")
    static let managerStale = Self.known("x-mm-stale")
    static let apiKey = Self.known("x-api-key")
    static let prefer = Self.known("prefer")
    static let preferenceApplied = Self.known("preference-applied")
    static let idempotencyKey = Self.known("idempotency-key")
    static let lastEventID = Self.known("last-event-id")
    static let referrerPolicy = Self.known("referrer-policy")
    static let acceleratorBuffering = Self.known("x-accel-buffering")

    private static func known(_ name: String) -> Self {
        guard let name = Self(name) else { preconditionFailure("\(name) is no header name") }
        return name
    }
}
