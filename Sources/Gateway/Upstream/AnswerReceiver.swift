internal import NIOCore

/// Why a connection to an instance stopped being of use.
struct UpstreamEnd {
    enum Kind { case failure(UpstreamFailure.Kind), crowded }
    var kind: Kind
    var detail: String
    /// The connection had served before and ended without a byte of this answer: most likely the instance closed it
    /// just as we wrote.
    var isStale = false

    init(_ kind: UpstreamFailure.Kind, _ detail: String) {
        self.kind = .failure(kind)
        self.detail = detail
    }

    private init(crowded detail: String) {
        self.kind = .crowded
        self.detail = detail
    }

    static let crowded = UpstreamEnd(crowded: "too many connections to the instance")
}

/// Whoever waits for an answer of an instance. A class to be subclassed, not a protocol, so that a call costs one
/// indirection and no existential.
///
/// For each request: either `failed`, or one of `receivedWhole` and `receivedHead` (then any number of `receivedBody`,
/// then `receivedEnd` or `failed`). All on the connection's event loop; the pointers live for the call only.
class AnswerReceiver {
    func receivedWhole(_ head: ResponseHead, headBytes: UnsafeRawBufferPointer, body: UnsafeRawBufferPointer) {}
    func receivedHead(_ head: ResponseHead, headBytes: UnsafeRawBufferPointer) {}
    func receivedBody(_ bytes: ByteBuffer) {}
    func receivedEnd() {}
    /// No more is at hand for now: pass on what was gathered.
    func receivedPause() {}
    func failed(_ end: UpstreamEnd) {}
}
