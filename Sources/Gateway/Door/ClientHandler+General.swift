internal import NIOCore

/// Handing requests to the general path, one at a time, and waiting for their answers.
extension ClientHandler {
    /// Sets the general path up behind this handler if need be, then hands it bytes.
    func open(passing count: Int, isForGood: Bool) {
        guard let context = self.context else { return }
        if self.hasOpenedGeneral { return self.opened(passing: count, isForGood: isForGood) }
        self.hasOpenedGeneral = true
        self.state = .opening(passing: count, isForGood: isForGood)
        self.general.open(behind: context.channel) { [weak self] in self?.generalAnswered() }
            .whenComplete { result in
                guard case .success = result else { return self.close() }
                self.opened(passing: count, isForGood: isForGood)
                self.takeWaiting()
            }
    }

    func opened(passing count: Int, isForGood: Bool) {
        guard self.state != .closed else { return }
        self.answeredEarly = false
        self.state = isForGood ? .general : .passing(left: count)
    }

    func pass(_ bytes: inout ByteBuffer, left: Int) {
        let count = min(left, bytes.readableBytes)
        guard let part = bytes.readSlice(length: count) else { return }
        self.state = count == left ? .awaitingGeneral : .passing(left: left - count)
        self.movedAt = MonotonicClock.now()
        self.context?.fireChannelRead(self.wrapInboundOut(part))
        if count == left, self.answeredEarly { self.state = .head }
    }

    /// The general path has flushed the answer to a request.
    func generalAnswered() {
        switch self.state {
        case .awaitingGeneral:
            self.state = .head
            self.movedAt = MonotonicClock.now()
            self.takeWaiting()
        case .passing: self.answeredEarly = true
        case .head, .body, .exchanging, .opening, .general, .lingering, .closed: break
        }
    }
}
