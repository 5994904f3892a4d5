internal import Decisions
internal import NIOCore
internal import Registry

/// From bytes to requests: what the door does with what arrives, in each of its states.
extension ClientHandler {
    func takeWaiting() {
        var bytes = self.waiting
        self.waiting = ByteBuffer()
        self.take(&bytes)
        if bytes.readableBytes > 0 { self.waiting = bytes }
        self.setReading()
    }

    func keepWaiting(_ bytes: inout ByteBuffer) {
        guard bytes.readableBytes > 0 else { return }
        self.waiting.clear()
        self.waiting.writeBuffer(&bytes)
        self.setReading()
    }

    /// Uses as much of the bytes as the state allows.
    func take(_ bytes: inout ByteBuffer) {
        guard !self.isTaking else { return }
        self.isTaking = true
        defer { self.isTaking = false }
        var hasPassed = false
        while bytes.readableBytes > 0 {
            switch self.state {
            case .head where !self.isWritable: return self.passedOn(hasPassed)
            case .head:
                guard self.takeHead(&bytes) else { return self.passedOn(hasPassed) }
            case .body(let left): self.takeBody(&bytes, left: left)
            case .passing(let left):
                self.pass(&bytes, left: left)
                hasPassed = true
            case .general:
                self.movedAt = MonotonicClock.now()
                self.context?.fireChannelRead(self.wrapInboundOut(bytes))
                bytes.moveReaderIndex(to: bytes.writerIndex)
                hasPassed = true
            case .lingering, .closed: bytes.moveReaderIndex(to: bytes.writerIndex)
            case .exchanging, .opening, .awaitingGeneral: return self.passedOn(hasPassed)
            }
        }
        self.passedOn(hasPassed)
    }

    /// The general path acts on what it was handed only when it is told that there is no more for now.
    func passedOn(_ hasPassed: Bool) {
        if hasPassed { self.context?.fireChannelReadComplete() }
    }

    /// False: the head is not complete yet.
    func takeHead(_ bytes: inout ByteBuffer) -> Bool {
        let result = bytes.withUnsafeReadableBytes { RequestHead.parse($0, limits: self.plane.headLimits) }
        switch result {
        case .incomplete:
            if !self.isHeadPartial {
                self.isHeadPartial = true
                self.movedAt = MonotonicClock.now()
            }
            return false
        case .head(let head):
            self.isHeadPartial = false
            self.hasImage = false
            self.takeRequest(head, &bytes)
        case .unusual: self.open(passing: 0, isForGood: true)
        case .tooLarge:
            self.refuse(Problem(.headersTooLarge, "the head of the request is too large"))
            return false
        }
        return true
    }

    func takeRequest(_ head: RequestHead, _ bytes: inout ByteBuffer) {
        guard head.contentLength <= self.plane.settings.bodyBytesMax else {
            let problem = Problem(
                .payloadTooLarge,
                "the body is larger than \(self.plane.settings.bodyBytesMax) bytes"
            )
            return self.refuse(problem)
        }
        self.plane.refresh()
        var head = head
        guard bytes.withUnsafeReadableBytes({ self.isFast(head, $0) && self.admits(&head, $0) }) else {
            self.plane.counts.generalRequests += 1
            return self.open(passing: head.headBytes + max(0, head.contentLength), isForGood: false)
        }
        self.plane.counts.fastRequests += 1
        self.keepsAlive = head.keepsAlive
        let problem = bytes.withUnsafeReadableBytes { self.beginImage(head, $0) }
        bytes.moveReaderIndex(forwardBy: head.headBytes)
        self.state = .body(left: max(0, head.contentLength))
        if let problem { return self.refuse(problem) }
        self.takeBody(&bytes, left: max(0, head.contentLength))
    }

    func isFast(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard head.method == .post, head.contentLength >= 0, head.target.count == 8,
            HeaderBytes.isExactly(bytes, head.target, "/predict")
        else { return false }
        guard head.epoch.isPresent else { return true }
        let asked = HeaderBytes.decimal(bytes, head.epoch)
        return asked >= 0 && Int64(asked) <= self.plane.table.snapshot.epoch.rawValue
    }

    /// Whether the caller is let in here; true for everybody where nobody must show who he is.
    @inline(__always)
    private func admits(_ head: inout RequestHead, _ bytes: UnsafeRawBufferPointer) -> Bool {
        guard let access = self.plane.access else { return true }
        guard let admission = access.admission(head, bytes) else { return false }
        self.scope = admission.scope
        head.withheld = admission.withheld ?? .other
        return true
    }

    func beginImage(_ head: RequestHead, _ bytes: UnsafeRawBufferPointer) -> Problem? {
        do throws(Problem) {
            try self.exchange.image.begin(head, bytes, plane: self.plane)
            // From here on a refusal carries the caller's request id.
            self.hasImage = true
            self.exchange.options = try ExchangeOptions(head, bytes)
            if self.plane.access != nil { self.exchange.options.scope = self.scope }
            guard MediaType.isJSON(head.contentType, bytes) else {
                return Problem(.unsupportedMediaType, "the body must be application/json")
            }
            return nil
        } catch {
            return error
        }
    }

    func takeBody(_ bytes: inout ByteBuffer, left: Int) {
        let count = min(left, bytes.readableBytes)
        if count > 0 {
            bytes.withUnsafeReadableBytes {
                self.exchange.image.append(UnsafeRawBufferPointer(rebasing: $0[..<count]))
            }
            bytes.moveReaderIndex(forwardBy: count)
        }
        guard count == left else {
            self.state = .body(left: left - count)
            self.movedAt = MonotonicClock.now()
            return
        }
        self.startExchange()
    }

    func startExchange() {
        self.state = .exchanging
        let now = MonotonicClock.now()
        guard self.plane.common.gate.holds(now) else { return self.plan(now: now) }
        self.plane.hold(since: now) { [weak self] in
            if self?.state == .exchanging { self?.plan(now: MonotonicClock.now()) }
        }
    }

    private func plan(now: Instant) {
        let (table, options) = (self.plane.table, self.exchange.options)
        do throws(Refusal) {
            let planned = try self.exchange.image.withBody { body throws(Refusal) in
                try RequestPlan.destination(of: body, .prediction, for: options, in: table)
            }
            guard let planned else { return try self.startAggregate() }
            let pool = planned.pool
            self.exchange.namesVersion = planned.namesVersion
            guard pool.key.capability == .prediction else { return self.startTranslated(pool) }
            let recorded = RecordingTap.sink(self, self.exchange, to: pool, in: table)
            self.exchange.begin(pool, sink: ShadowTap.sink(recorded, self.exchange, to: pool, in: table), now: now)
        } catch {
            self.answerRefusal(error)
            self.exchangeEnded()
        }
    }

    /// The pool speaks another protocol than this door.
    private func startTranslated(_ pool: RoutePool) {
        let caller = Exchange.TranslationCaller(
            sink: self,
            isWanted: { [weak self] in self?.state == .exchanging },
            refuse: { [weak self] refusal in
                self?.answerRefusal(refusal)
                self?.exchangeEnded()
            }
        )
        self.exchange.beginTranslated(pool, for: caller)
    }

    func startAggregate() throws(Refusal) {
        let aggregate = try Aggregate.begin(for: self.exchange.image, options: self.exchange.options, plane: self.plane)
        {
            [weak self] outcome in self?.answerAggregate(outcome)
        }
        if !aggregate.isOver { self.aggregate = aggregate }
    }

    func answerAggregate(_ outcome: Aggregate.Outcome) {
        self.aggregate = nil
        self.writeOwn(
            outcome.body,
            status: outcome.status,
            code: outcome.code,
            attempts: outcome.attempts,
            retryAfter: outcome.retryAfter
        )
        self.exchangeEnded()
    }
}
