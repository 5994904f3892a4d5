internal import Decisions
internal import NIOCore
internal import Registry

/// One request that asks several model versions at once: an exchange for each, on one loop and under one deadline, and
/// one answer made of theirs. The shell of `AggregateTally`.
///
/// Each member is a request like any other to balancing, limits, breakers and counters. Confined to its event loop.
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
        let aggregate = try image.withBody { body throws(Refusal) in
            let found = try RequestPlan.scanned(body)
            let order = try self.order(found.aggregate, body)
            return Aggregate(order, plane, image.requestIDText, completion)
        }
        try aggregate.start(image, options)
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

    private func start(_ image: RequestImage, _ options: ExchangeOptions) throws(Refusal) {
        var pools: [Result<RoutePool, Refusal>] = []
        for target in self.order.targets {
            do throws(Refusal) {
                pools.append(.success(try RequestPlan.pool(of: target, options, plane: self.plane)))
            } catch {
                guard error.problem.code.status >= 500 else { throw error }
                pools.append(.failure(error))
            }
        }
        var options = options
        options.timeoutNanoseconds = min(options.timeoutNanoseconds, self.plane.settings.timeout.inNanoseconds)
        try self.makeMembers(image, options)
        let now = MonotonicClock.now()
        for (place, pool) in pools.enumerated() where !self.isDecided {
            switch pool {
            case .success(let pool): self.members[place].begin(pool, now: now)
            case .failure(let refusal): self.answered(place, .failure(refusal.problem.code.rawValue))
            }
        }
    }

    private func makeMembers(_ image: RequestImage, _ options: ExchangeOptions) throws(Refusal) {
        self.members = try image.withBody { body throws(Refusal) in
            let found = try RequestPlan.scanned(body)
            return self.order.targets.enumerated().map { place, target in
                let member = AggregateMember(target, field: self.order.field, plane: self.plane) { [weak self] answer in
                    self?.answered(place, answer)
                }
                member.exchange.image = RequestImage(image, body: AggregateBody.make(for: target, from: body, found))
                member.exchange.options = options
                return member
            }
        }
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
