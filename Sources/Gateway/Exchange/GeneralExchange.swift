internal import NIOCore
internal import Registry

/// A request of the general door on the engine of the fast path: makes an image of it, takes the answer apart again.
///
/// Confined to its event loop (`@unchecked Sendable`), but for the stream it hands out.
final class GeneralExchange: AnswerSink, @unchecked Sendable {
    let plane: LoopPlane
    let exchange: Exchange
    private var continuation: CheckedContinuation<GatewayAnswer, Never>?
    private var stream: AnswerStream?
    private var aggregate: Aggregate?

    init(plane: LoopPlane) {
        self.plane = plane
        self.exchange = Exchange(plane: plane)
    }

    func run(_ request: GatewayRequest, _ continuation: CheckedContinuation<GatewayAnswer, Never>) {
        self.continuation = continuation
        let now = MonotonicClock.now()
        guard self.plane.common.gate.holds(now) else { return self.start(request, now: now) }
        self.plane.hold(since: now) {
            if self.continuation != nil { self.start(request, now: MonotonicClock.now()) }
        }
    }

    private func start(_ request: GatewayRequest, now: Instant) {
        self.plane.refresh()
        do throws(Refusal) {
            try self.makeImage(request)
            if case .infer(let order) = request.operation { return try self.begin(order, request.headers, now: now) }
            guard let planned = try self.plan(request) else { return try self.startAggregate() }
            let pool = planned.pool
            self.exchange.namesVersion = planned.namesVersion
            guard pool.key.capability != .inference else {
                return self.exchange.beginTranslated(pool, for: self.translationCaller)
            }
            let recorded = RecordingTap.sink(self, self.exchange, to: pool, in: self.plane.table)
            let sink = ShadowTap.sink(recorded, self.exchange, to: pool, in: self.plane.table)
            self.exchange.begin(pool, sink: sink, now: now)
        } catch {
            self.refuse(error)
        }
    }

    /// A request that has to be translated gets its answer as any other.
    var translationCaller: Exchange.TranslationCaller {
        Exchange.TranslationCaller(
            sink: self,
            isWanted: { self.continuation != nil },
            refuse: { self.refuse($0) }
        )
    }

    private func refuse(_ refusal: Refusal) {
        self.plane.counts.requests += 1
        self.plane.counts.failures += 1
        self.plane.counts.answered(status: refusal.problem.code.status)
        self.plane.counts.problems[refusal.problem.code, default: 0] += 1
        self.answer(refusal, attempts: 0)
    }

    private func startAggregate() throws(Refusal) {
        let (image, options) = (self.exchange.image, self.exchange.options)
        let aggregate = try Aggregate.begin(for: image, options: options, plane: self.plane) { outcome in
            self.aggregate = nil
            var answer = self.own(outcome.body, outcome.status, outcome.code, attempts: outcome.attempts)
            if let seconds = outcome.retryAfter { answer.headers.append(("retry-after", String(seconds))) }
            self.give(answer)
        }
        if !aggregate.isOver { self.aggregate = aggregate }
    }

    func cancel() {
        self.exchange.cancel()
        self.aggregate?.cancel()
        if let continuation = self.continuation {
            self.continuation = nil
            continuation.resume(returning: self.rendered(Refusal(Problem(.requestTimeout, "the caller has left")), 0))
        }
    }

    /// The request's head in the one form the fast path knows, so that both doors share every line of code behind it.
    private func makeImage(_ request: GatewayRequest) throws(Refusal) {
        let isJSON = if case .infer = request.operation { false } else { true }
        let head = CommonForm.head(of: request)
        let result = head.withUnsafeBytes { RequestHead.parse($0, limits: HeadLimits(headBytesMax: .max)) }
        if case .tooLarge = result {
            throw Refusal(Problem(.headersTooLarge, "the head of the request is too large"))
        }
        guard case .head(let parsed) = result else {
            throw Refusal(Problem(.invalidRequest, "the headers of the request cannot be passed on"))
        }
        let failed: Problem? = head.withUnsafeBytes { bytes in
            do throws(Problem) {
                // First, so that a refusal carries the caller's request id.
                try self.exchange.image.begin(parsed, bytes, plane: self.plane)
                self.exchange.options = try ExchangeOptions(parsed, bytes)
                self.exchange.options.scope = request.scope
                return !isJSON || MediaType.isJSON(parsed.contentType, bytes)
                    ? nil : Problem(.unsupportedMediaType, "the body must be application/json")
            } catch {
                return error
            }
        }
        if let failed { throw Refusal(failed) }
        request.body.withUnsafeReadableBytes { self.exchange.image.append($0) }
    }

    private func plan(_ request: GatewayRequest) throws(Refusal) -> RequestPlan.Destination? {
        try self.exchange.image.withBody { body throws(Refusal) in
            try RequestPlan.destination(
                of: body,
                request.operation == .predict ? .prediction : .training,
                for: self.exchange.options,
                in: self.plane.table
            )
        }
    }

    // MARK: Answers

    override func answerWhole(
        _ exchange: Exchange,
        _ head: ResponseHead,
        headBytes: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer
    ) {
        self.answerBegan(exchange, head, headBytes: headBytes)
        if !body.isEmpty { self.stream?.append(ByteBuffer(bytes: body)) }
        self.stream?.end(.success(()))
    }

    override func answerBegan(_ exchange: Exchange, _ head: ResponseHead, headBytes: UnsafeRawBufferPointer) {
        let loop = self.plane.loop
        let stream = AnswerStream(
            onReady: { loop.execute { self.exchange.callerIsReady() } },
            onCancel: { loop.execute { self.exchange.cancel() } }
        )
        self.stream = stream
        self.give(
            GatewayAnswer(
                status: head.status,
                headers: self.headers(exchange, head, headBytes),
                body: stream.sequence()
            )
        )
    }

    override func answerMoved(_ bytes: ByteBuffer) { self.stream?.append(bytes) }
    override func answerEnded() { self.stream?.end(.success(())) }

    override func answerBroke() {
        self.stream?.end(.failure(UpstreamFailure(kind: .reset, detail: "the instance broke off its answer")))
    }

    override func answerProblem(_ exchange: Exchange, _ problem: Problem) {
        self.answer(Refusal(problem), attempts: exchange.attempts)
    }

    override func exchangeEnded() { self.stream = nil }

    override var takesMore: Bool { self.stream?.takesMore ?? true }

    private func answer(_ refusal: Refusal, attempts: Int) {
        self.give(self.rendered(refusal, attempts))
    }

    private func give(_ answer: GatewayAnswer) {
        let continuation = self.continuation
        self.continuation = nil
        continuation?.resume(returning: answer)
    }

    // MARK: Headers

    private func headers(_ exchange: Exchange, _ head: ResponseHead, _ bytes: UnsafeRawBufferPointer)
        -> [(name: String, value: String)]
    {
        let room = head.forwardableBytesMax + AnswerLines.bytesMax(exchange)
        var lines = ByteBuffer()
        lines.writeWithUnsafeMutableBytes(minimumWritableBytes: room) { target in
            var writer = ByteWriter(target)
            writer.write { head.copyForwardable(of: bytes, into: $0) }
            AnswerLines.write(exchange, to: &writer, now: nil)
            return writer.count
        }
        return CommonForm.headers(in: String(buffer: lines))
    }

    private func rendered(_ refusal: Refusal, _ attempts: Int) -> GatewayAnswer {
        let known = self.exchange.image.requestIDText
        let requestID = known.isEmpty ? self.plane.makeRequestID() : known
        let problem = refusal.problem
        let body = ProblemBody.render(problem, faults: refusal.faults, requestID: requestID)
        var answer = self.own(body, problem.code.status, problem.code, attempts: attempts, requestID: requestID)
        if let seconds = problem.retryAfter { answer.headers.append(("retry-after", String(seconds))) }
        return answer
    }

    /// An answer of the manager's own, not an instance's.
    private func own(
        _ body: ByteBuffer,
        _ status: Int,
        _ code: Problem.Code?,
        attempts: Int,
        requestID: String? = nil
    ) -> GatewayAnswer {
        var headers: [(name: String, value: String)] = [
            ("content-type", ProblemBody.contentType), ("content-length", String(body.readableBytes)),
            ("x-request-id", requestID ?? self.exchange.image.requestIDText),
            ("x-mm-attempts", String(attempts)), ("x-mm-replica", self.plane.settings.replicaID),
        ]
        if let code { headers.append(("x-mm-error-code", code.rawValue)) }
        if let stale = self.plane.common.staleSeconds(now: MonotonicClock.now()) {
            headers.append(("x-mm-stale", String(stale)))
        }
        let stream = AnswerStream(onReady: {}, onCancel: {})
        stream.append(body)
        stream.end(.success(()))
        return GatewayAnswer(status: status, headers: headers, body: stream.sequence())
    }
}
