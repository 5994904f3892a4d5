internal import Decisions
internal import NIOCore
internal import Registry

/// Stands between an exchange and its caller, passes everything on as it comes, and remembers the answer.
///
/// Cost for the caller: an answer is copied up to `GatheredAnswer.bytesMax`. What is done with it begins when the exchange
/// has ended. Confined to its event loop.
class AnswerTap: AnswerSink {
    final var caller: AnswerSink
    final var gathered = GatheredAnswer()

    final var speaks: RoutePool.Capability

    /// The answer is in the words of `speaks`.
    init(_ caller: AnswerSink, speaks: RoutePool.Capability) {
        self.caller = caller
        self.speaks = speaks
    }

    final override func answerWhole(
        _ exchange: Exchange,
        _ head: ResponseHead,
        headBytes: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer
    ) {
        self.gathered.began(exchange, head, headBytes, speaks: self.speaks)
        self.gathered.append(body)
        self.caller.answerWhole(exchange, head, headBytes: headBytes, body: body)
    }

    final override func answerBegan(_ exchange: Exchange, _ head: ResponseHead, headBytes: UnsafeRawBufferPointer) {
        self.gathered.began(exchange, head, headBytes, speaks: self.speaks)
        self.caller.answerBegan(exchange, head, headBytes: headBytes)
    }

    final override func answerMoved(_ bytes: ByteBuffer) {
        bytes.withUnsafeReadableBytes { self.gathered.append($0) }
        self.caller.answerMoved(bytes)
    }

    final override func answerPaused() { self.caller.answerPaused() }

    final override func answerEnded() { self.caller.answerEnded() }

    final override func answerBroke() {
        self.gathered.broke()
        self.caller.answerBroke()
    }

    override func answerProblem(_ exchange: Exchange, _ problem: Problem) {
        self.gathered.began(exchange, status: problem.code.status)
        self.caller.answerProblem(exchange, problem)
    }

    override func exchangeEnded() { self.caller.exchangeEnded() }

    final override var takesMore: Bool { self.caller.takesMore }
}
