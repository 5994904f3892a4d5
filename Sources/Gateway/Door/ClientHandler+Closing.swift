internal import NIOCore
internal import Registry

/// Problems, and every way a connection comes to its end.
extension ClientHandler {
    /// A problem found before an exchange began, after which the connection serves on.
    func answerRefusal(_ refusal: Refusal) {
        self.plane.counts.requests += 1
        self.plane.counts.failures += 1
        self.plane.counts.answered(status: refusal.problem.code.status)
        self.plane.counts.problems[refusal.problem.code, default: 0] += 1
        self.writeProblem(refusal, attempts: 0)
    }

    /// A problem after which no further request can be found on this connection.
    func refuse(_ problem: Problem) {
        self.keepsAlive = false
        self.answerRefusal(Refusal(problem))
        self.linger()
    }

    func writeProblem(_ refusal: Refusal, attempts: Int) {
        let problem = refusal.problem
        let requestID = self.hasImage ? self.exchange.image.requestIDText : self.plane.makeRequestID()
        let body = ProblemBody.render(problem, faults: refusal.faults, requestID: requestID)
        self.writeOwn(
            body,
            status: problem.code.status,
            code: problem.code,
            attempts: attempts,
            requestID: requestID,
            retryAfter: problem.retryAfter
        )
    }

    /// An answer of the manager's own, not an instance's.
    func writeOwn(
        _ body: ByteBuffer,
        status: Int,
        code: Problem.Code?,
        attempts: Int,
        requestID: String? = nil,
        retryAfter: Int? = nil
    ) {
        var head = "HTTP/1.1 \(status) \(ReasonPhrase.of(status))\r\n"
        head += "content-type: \(ProblemBody.contentType)\r\ncontent-length: \(body.readableBytes)\r\n"
        if let code { head += "x-mm-error-code: \(code.rawValue)\r\n" }
        head += "x-request-id: \(requestID ?? self.exchange.image.requestIDText)\r\n"
        head += "x-mm-attempts: \(attempts)\r\nx-mm-replica: \(self.plane.settings.replicaID)\r\n"
        head += self.plane.date.now()
        if let retryAfter { head += "retry-after: \(retryAfter)\r\n" }
        if let stale = self.plane.common.staleSeconds(now: MonotonicClock.now()) { head += "x-mm-stale: \(stale)\r\n" }
        if !self.keepsAlive || self.plane.common.isDraining { head += "connection: close\r\n" }
        self.output.clear()
        self.output.writeString(head + "\r\n")
        self.output.writeImmutableBuffer(body)
        self.flushOutput()
    }

    // MARK: Closing

    /// The caller has left.
    func cancelRequest() {
        self.exchange.cancel()
        self.aggregate?.cancel()
        self.aggregate = nil
    }

    func close() {
        self.cancelRequest()
        self.state = .closed
        self.context?.close(promise: nil)
    }

    /// Everything written so far goes out first.
    func closeAfterFlush() {
        guard let context = self.context else { return }
        self.state = .closed
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer())).assumeIsolated()
            .whenComplete { _ in context.close(promise: nil) }
    }

    func linger() {
        guard let context = self.context else { return }
        self.state = .lingering(until: MonotonicClock.now() + Self.lingerTime)
        context.writeAndFlush(self.wrapOutboundOut(ByteBuffer())).assumeIsolated()
            .whenComplete { _ in context.close(mode: .output, promise: nil) }
    }

    // MARK: Time

    /// Called about every second.
    func sweep(now: Instant) {
        let waited = now - self.movedAt
        switch self.state {
        case .head where self.isHeadPartial:
            guard waited > self.plane.settings.headTimeout else { return }
            self.refuse(Problem(.requestTimeout, "the head of the request did not arrive in time"))
        case .head where waited > self.plane.settings.idleTimeout: self.close()
        case .body where waited > self.plane.settings.idleTimeout:
            self.refuse(Problem(.requestTimeout, "the body of the request stalled"))
        case .passing where waited > self.plane.settings.idleTimeout: self.close()
        case .general where waited > self.plane.settings.idleTimeout:
            // Closes now when nothing is asked, else after the answer that is under way.
            self.context?.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        case .lingering(let until) where until <= now: self.close()
        case .head, .body, .exchanging, .opening, .passing, .awaitingGeneral, .general, .lingering, .closed: break
        }
    }

    /// The listener has closed: an idle connection ends, a busy one after its answer.
    func quiesce() {
        switch self.state {
        case .head where !self.hasOpenedGeneral: self.close()
        case .head, .awaitingGeneral, .passing, .opening, .general:
            self.context?.fireUserInboundEventTriggered(ChannelShouldQuiesceEvent())
        case .body, .exchanging, .lingering, .closed: break
        }
    }

    /// The grace is over. True if that cut a request.
    func cut() -> Bool {
        defer { self.close() }
        return self.isBusy
    }

    /// Whether a request is under way, as far as the door can tell.
    var isBusy: Bool {
        switch self.state {
        case .head, .lingering, .closed: false
        case .body, .exchanging, .opening, .passing, .awaitingGeneral, .general: true
        }
    }

    func setReading() {
        let isPaused = self.waiting.readableBytes > Self.waitingBytesMax
        guard isPaused != self.isReadingPaused, let channel = self.context?.channel else { return }
        self.isReadingPaused = isPaused
        try? channel.syncOptions?.setOption(.autoRead, value: !isPaused)
        if !isPaused { channel.read() }
    }
}
