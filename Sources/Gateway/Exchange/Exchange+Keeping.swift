internal import Decisions
internal import NIOCore
internal import Registry

/// An answer that may be the last word is kept while another instance is asked; one that grows too long is passed on.
extension Exchange {
    func keep(_ head: ResponseHead, _ headBytes: UnsafeRawBufferPointer, now: Instant) {
        guard let member = self.member else { return }
        var kept = KeptAnswer(head, headBytes: headBytes, member: member)
        kept.upstreamNanoseconds = (now - self.attemptAt).inNanoseconds
        self.kept = kept
    }

    func keep(_ bytes: ByteBuffer) {
        self.kept?.body.writeImmutableBuffer(bytes)
        guard let kept = self.kept, kept.body.readableBytes > KeptAnswer.bytesMax else { return }
        let now = MonotonicClock.now()
        self.machine.keptTooLong(silentMax: self.silentMax, now: now)
        self.kept = nil
        self.judge(kept.head, now: now)
        self.countAnswer(kept.head.status)
        kept.headBytes.withUnsafeReadableBytes { self.sink?.answerBegan(self, kept.head, headBytes: $0) }
        self.sink?.answerMoved(kept.body)
    }

    func answerKept() {
        guard let kept = self.kept, let sink = self.sink else { return }
        self.member = kept.member
        self.upstreamNanoseconds = kept.upstreamNanoseconds
        self.countAnswer(kept.head.status)
        kept.headBytes.withUnsafeReadableBytes { headBytes in
            kept.body.withUnsafeReadableBytes { sink.answerWhole(self, kept.head, headBytes: headBytes, body: $0) }
        }
        self.finish()
    }
}
