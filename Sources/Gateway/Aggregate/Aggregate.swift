internal import Decisions
internal import NIOCore
internal import Registry

/// One request that asks several model versions at once: an exchange for each, on one loop and under one deadline, and
/// one answer made of theirs. The shell of `AggregateTally`.
///
/// Each member is a request like any other to balancing, limits, breakers and counters. Where the members' bodies are large
/// together they are made on a thread; a switch that comes meanwhile holds for them. Confined to its event loop.
final class Aggregate {
    /// What goes to the caller.
    struct Outcome {
        var status: Int
        var code: Problem.Code?
        var body: ByteBuffer
        var attempts: Int
        /// Whole seconds for `Retry-After`.
        var retryAfter: Int?
    }

    /// It is read on the event loop.
    private static let orderBytesMax = 64 * 1024

    private let order: AggregateOrder
    private let plane: LoopPlane
    private let requestID: String
    private let completion: (Outcome) -> Void
    private var tally: AggregateTally
    private var members: [AggregateMember] = []
    /// Nothing that a member says counts any more.
    private var isDecided = false
    /// The caller has been answered, or has left.
    private(set) var isOver = false

    /// Throws what is wrong with the order, or names a model or version that nobody knows.
    static func begin(
        for image: RequestImage,
        options: ExchangeOptions,
        plane: LoopPlane,
        completion: @escaping (Outcome) -> Void
    ) throws(Refusal) -> Aggregate {
        let (found, order) = try image.withBody { body throws(Refusal) in
            let found = try RequestPlan.scanned(body)
            return (found, try self.order(found.aggregate, body))
        }
        let aggregate = Aggregate(order, plane, image.requestIDText, completion)
        try aggregate.start(image, found, options)
        return aggregate
    }

    private init(
        _ order: AggregateOrder,
        _ plane: LoopPlane,
        _ requestID: String,
        _ completion: @escaping (Outcome) -> Void
    ) {
        self.order = order
        self.plane = plane
        self.requestID = requestID
        self.completion = completion
        self.tally = AggregateTally(order)
    }

    /// The caller has left.
    func cancel() {
        guard !self.isOver else { return }
        self.isOver = true
        for member in self.members { member.cancel() }
    }

    // MARK: Asking

    private static func order(_ member: BodyScan.Member, _ body: UnsafeRawBufferPointer) throws(Refusal)
        -> AggregateOrder
    {
        guard member.range.count <= self.orderBytesMax else {
            throw .member("aggregate", "must not be longer than \(self.orderBytesMax) bytes", type: "too_long")
        }
        // The scanner has read it as JSON already; only a member that is there twice inside can still be wrong.
        let range =
            member.kind == .string ? ByteRange(from: member.range.offset - 1, to: member.range.end + 1) : member.range
        guard let value = try? JSONValue.parse(Array(range.bytes(of: body))) else {
            throw .member("aggregate", "has a member twice", type: "value_error")
        }
        do throws(AggregateOrder.Fault) {
            return try AggregateOrder(value)
        } catch {
            let place = error.location.joined(separator: ".")
            let fault = Refusal.Fault(location: error.location, message: error.message, type: error.type)
            throw Refusal(Problem(.validationError, "\(place): \(error.message)"), faults: [fault])
        }
    }

    private func start(_ image: RequestImage, _ found: BodyScan.Found, _ options: ExchangeOptions) throws(Refusal) {
        let pools = try self.order.targets.map { target throws(Refusal) in try self.pool(of: target, options) }
        var options = options
        options.timeoutNanoseconds = min(options.timeoutNanoseconds, self.plane.settings.timeout.inNanoseconds)
        let (targets, serial) = (self.order.targets, self.plane.tableSerial)
        let bytes = image.bodyBytes * targets.count
        self.plane.translations.run(weighing: bytes, on: self.plane.loop) { () throws(Refusal) in
            try image.withBody { body throws(Refusal) in
                targets.map { RequestImage(image, body: AggregateBody.make(for: $0, from: body, found)) }
            }
        } _: { [options] result in
            guard !self.isOver else { return }
            switch result {
            case .success(let images): self.ask(images, pools, options, plannedBy: serial)
            case .failure(let refusal): self.refused(refusal)
            }
        }
    }

    /// Throws what is wrong with the order; what only lacks services now is a member's failure.
    private func pool(
        of target: AggregateOrder.Target,
        _ options: ExchangeOptions
    ) throws(Refusal) -> Result<RoutePool, Refusal> {
        do throws(Refusal) {
            return .success(try RequestPlan.pool(of: target, options, plane: self.plane))
        } catch {
            guard error.problem.code.status >= 500 else { throw error }
            return .failure(error)
        }
    }

    private func ask(
        _ images: [RequestImage],
        _ planned: [Result<RoutePool, Refusal>],
        _ options: ExchangeOptions,
        plannedBy serial: Int
    ) {
        self.members = zip(self.order.targets, images).enumerated().map { place, pair in
            let member = AggregateMember(pair.0, field: self.order.field, plane: self.plane) { [weak self] answer in
                self?.answered(place, answer)
            }
            member.exchange.image = pair.1
            member.exchange.options = options
            return member
        }
        self.plane.refresh()
        let isCurrent = self.plane.tableSerial == serial
        let now = MonotonicClock.now()
        for (place, target) in self.order.targets.enumerated() where !self.isDecided {
            switch isCurrent ? planned[place] : self.replanned(target, options) {
            case .success(let pool): self.members[place].begin(pool, now: now)
            case .failure(let refusal): self.answered(place, .failure(refusal.problem.code.rawValue))
            }
        }
    }

    private func replanned(_ target: AggregateOrder.Target, _ options: ExchangeOptions) -> Result<RoutePool, Refusal> {
        do throws(Refusal) {
            return .success(try RequestPlan.pool(of: target, options, plane: self.plane))
        } catch {
            return .failure(error)
        }
    }

    /// The members' bodies could not be made: nobody was asked.
    private func refused(_ refusal: Refusal) {
        self.isDecided = true
        self.isOver = true
        let answer = AggregateAnswer(
            order: self.order,
            answers: [],
            first: nil,
            rows: [],
            requestID: self.requestID
        )
        self.complete(answer.uncombined(refusal.problem), refusal.problem.retryAfter)
    }

    // MARK: Answering

    private func answered(_ place: Int, _ answer: AggregateTally.Answer) {
        guard !self.isOver, !self.isDecided else { return }
        guard case .finish(let isMet, let cancelled) = self.tally.answered(place, answer) else { return }
        self.isDecided = true
        for place in cancelled where place < self.members.count { self.members[place].cancel() }
        let answer = AggregateAnswer(
            order: self.order,
            answers: self.tally.answers,
            first: self.tally.first,
            rows: self.members.map(\.row),
            requestID: self.requestID
        )
        let bytes = self.members.reduce(0) { $0 + $1.answerBytes }
        self.plane.translations.run(weighing: bytes, on: self.plane.loop) { () throws(Refusal) in
            isMet ? answer.combined() : answer.missed()
        } _: { result in
            guard !self.isOver else { return }
            self.isOver = true
            switch result {
            case .success(let said): self.complete(said)
            case .failure(let refusal): self.complete(answer.uncombined(refusal.problem), refusal.problem.retryAfter)
            }
        }
    }

    private func complete(_ said: AggregateAnswer.Said, _ retryAfter: Int? = nil) {
        if let code = said.code { self.plane.counts.problems[code, default: 0] += 1 }
        self.completion(
            Outcome(
                status: said.code?.status ?? 200,
                code: said.code,
                body: ByteBuffer(string: said.body),
                attempts: self.members.reduce(0) { $0 + $1.attempts },
                retryAfter: retryAfter
            )
        )
    }
}
