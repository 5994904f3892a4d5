internal import NIOCore
internal import Registry

/// Where the answer of an exchange goes: a connection of the fast path, or the general door.
///
/// For each exchange exactly one of `answerWhole`, `answerProblem`, or `answerBegan` (then `answerMoved` any number of
/// times, then `answerEnded` or `answerBroke`), and last `exchangeEnded`, unless the exchange was cancelled. All on the
/// exchange's event loop; pointers live for the call only. A class for the same reason as `AnswerReceiver`.
class AnswerSink {
    func answerWhole(
        _ exchange: Exchange,
        _ head: ResponseHead,
        headBytes: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer
    ) {}
    func answerBegan(_ exchange: Exchange, _ head: ResponseHead, headBytes: UnsafeRawBufferPointer) {}
    func answerMoved(_ bytes: ByteBuffer) {}
    /// No more is at hand for now.
    func answerPaused() {}
    func answerEnded() {}
    /// The instance broke off: what the caller has got must not look complete.
    func answerBroke() {}
    func answerProblem(_ exchange: Exchange, _ problem: Problem) {}
    func exchangeEnded() {}
    /// Instead of `exchangeEnded`, whatever came before: the exchange was cancelled.
    func exchangeCancelled() {}
    /// False: hold back until `Exchange.callerIsReady`.
    var takesMore: Bool { true }
}
