internal import Decisions
internal import Registry

/// What a caller may ask of one exchange in headers.
struct ExchangeOptions {
    /// `x-mm-timeout-ms`; shortens the service's own deadline, never lengthens it: the operator's bound holds.
    var timeoutNanoseconds = Int64.max
    /// `x-mm-max-retries`, 0…10; nil: the replica's setting.
    var retriesMax: Int?
    /// Hash of `x-mm-hash-key`.
    var hashKey: UInt64?
    /// What the caller may use; nil: every service.
    var scope: AccessScope?
    /// The exchange is a shadow's: no caller waits for it.
    var isCopy = false

    static let retriesMaxBound = 10
    static let timeoutMillisecondsMax = 3_600_000

    init() {}

    init(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer) throws(Problem) {
        if head.timeoutMilliseconds.isPresent {
            let milliseconds = HeaderBytes.decimal(bytes, head.timeoutMilliseconds)
            guard (1...Self.timeoutMillisecondsMax).contains(milliseconds) else {
                throw Problem(.invalidRequest, "x-mm-timeout-ms must be 1 to \(Self.timeoutMillisecondsMax)")
            }
            self.timeoutNanoseconds = Int64(milliseconds) * 1_000_000
        }
        if head.retriesMax.isPresent {
            let retries = HeaderBytes.decimal(bytes, head.retriesMax)
            guard (0...Self.retriesMaxBound).contains(retries) else {
                throw Problem(.invalidRequest, "x-mm-max-retries must be 0 to \(Self.retriesMaxBound)")
            }
            self.retriesMax = retries
        }
        if head.hashKey.isPresent { self.hashKey = StableHash.of(head.hashKey.bytes(of: bytes)) }
    }
}
