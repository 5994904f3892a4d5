/// What the status of an answer says about the instance that gave it.
enum AnswerJudgement: Hashable {
    /// It works. Only 2xx and 3xx close a half-open breaker.
    case good(closesBreaker: Bool)
    /// It has too much to do, which is neither good nor bad.
    case busy
    /// It, or what stands behind it, is broken.
    case bad
    /// It failed at this request; without another instance's opinion that says nothing, because real servers answer
    /// 500 and 503 to malformed input.
    case suspect

    @inline(__always)
    init(status: Int, hasRetryAfter: Bool) {
        switch status {
        case ..<400: self = .good(closesBreaker: true)
        case 429: self = .busy
        case 400..<500: self = .good(closesBreaker: false)
        case 503 where hasRetryAfter: self = .busy
        case 502, 504: self = .bad
        default: self = .suspect
        }
    }
}
