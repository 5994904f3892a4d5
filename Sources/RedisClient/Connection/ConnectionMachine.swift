import NIOCore

/// The rules of one connection: which reply belongs to which request, and when the connection is of no use any more.
///
/// Intuition: a queue at a counter. Replies come in the order of the commands, so the oldest request owns the next
/// reply. A request that is late leaves the queue's room but keeps its place: its caller is told at once, its replies
/// are thrown away when they come, so that they are never handed to the next one.
/// The hard case is that late reply: thrown away silently for `lateReplyMax`, after which the connection is given up,
/// because what comes later may be hours late.
struct ConnectionMachine: Sendable {
    typealias RequestID = UInt64

    private struct Request: Sendable {
        let id: RequestID
        let commands: Int
        let deadline: NIODeadline
        var replies: [RedisValue] = []
        /// Its caller was told already; what still comes is thrown away.
        var isAbandoned = false
    }

    private var requests: CircularBuffer<Request> = []
    private var commandsInFlight = 0
    private var isClosed = false
    private let commandsInFlightMax: Int
    private let lateReplyMax: TimeAmount

    init(commandsInFlightMax: Int, lateReplyMax: TimeAmount) {
        self.commandsInFlightMax = commandsInFlightMax
        self.lateReplyMax = lateReplyMax
    }

    var isIdle: Bool { self.requests.isEmpty }

    enum SendAction: Sendable, Equatable {
        /// Write the commands; call `tick` at the instant at the latest.
        case write(tickBy: NIODeadline)
        case refuse(RedisError)
    }

    /// A caller wants `commands` commands sent, whose replies it awaits together.
    mutating func send(_ id: RequestID, commands: Int, deadline: NIODeadline, now: NIODeadline) -> SendAction {
        guard !self.isClosed else { return .refuse(RedisError(.notConnected, "the connection is closed")) }
        guard now < deadline else {
            return .refuse(RedisError(.deadlineExceeded, "the deadline passed before the command was sent"))
        }
        guard self.commandsInFlight + commands <= self.commandsInFlightMax else {
            let message =
                "\(self.commandsInFlight) commands await their replies, at most \(self.commandsInFlightMax) may"
            return .refuse(RedisError(.tooManyInFlight, message))
        }
        self.requests.append(Request(id: id, commands: commands, deadline: deadline))
        self.commandsInFlight += commands
        return .write(tickBy: deadline)
    }

    enum ReceiveAction: Sendable, Equatable {
        /// A part of a request, or what nobody waits for any more.
        case nothing
        /// The request is answered.
        case deliver(RequestID, [RedisValue])
        /// Close, for the reason given.
        case close(RedisError)
    }

    /// A reply arrived.
    mutating func received(_ reply: RedisValue) -> ReceiveAction {
        guard !self.isClosed else { return .nothing }
        guard !self.requests.isEmpty else {
            return .close(Self.unaskedReply(reply))
        }
        if case .error(let text) = reply, case let error = RedisError(reply: text), error.code.endsConnection {
            return .close(error)
        }
        let oldest = self.requests.startIndex
        self.requests[oldest].replies.append(reply)
        self.commandsInFlight -= 1
        guard self.requests[oldest].replies.count == self.requests[oldest].commands else { return .nothing }
        let request = self.requests.removeFirst()
        return request.isAbandoned ? .nothing : .deliver(request.id, request.replies)
    }

    /// What has become of the deadlines.
    struct TickAction: Sendable, Equatable {
        /// Tell these callers that their deadline passed.
        var expired: [RequestID] = []
        /// Close, after telling them.
        var close: RedisError?
        /// Tick again then.
        var next: NIODeadline?
    }

    /// Time passed.
    mutating func tick(now: NIODeadline) -> TickAction {
        var action = TickAction()
        guard !self.isClosed else { return action }
        for index in self.requests.indices {
            if !self.requests[index].isAbandoned, self.requests[index].deadline <= now {
                self.requests[index].isAbandoned = true
                action.expired.append(self.requests[index].id)
            }
            let event =
                self.requests[index].isAbandoned
                ? self.requests[index].deadline + self.lateReplyMax : self.requests[index].deadline
            if event <= now {
                let late = self.lateReplyMax > .zero ? "\(self.lateReplyMax) after its" : "before its"
                let message = "no reply \(late) deadline"
                action.close = RedisError(.connectionLost, message, isOutcomeUnknown: true)
            }
            action.next = min(action.next ?? event, event)
        }
        if action.close != nil { action.next = nil }
        return action
    }

    /// A caller went away. True when it was still waiting.
    mutating func cancel(_ id: RequestID) -> Bool {
        guard let index = self.requests.firstIndex(where: { $0.id == id && !$0.isAbandoned }) else { return false }
        self.requests[index].isAbandoned = true
        return true
    }

    /// How one request ends because its connection did.
    struct Failure: Sendable, Equatable {
        let id: RequestID
        let error: RedisError
    }

    /// The connection is gone: every waiting caller is told. The oldest request learns the reason itself, which was its
    /// reply if there was one; what happened to the others nobody knows.
    mutating func closed(_ reason: RedisError) -> [Failure] {
        self.isClosed = true
        let failed = self.requests.enumerated().filter { !$0.element.isAbandoned }.map { index, request in
            Failure(id: request.id, error: Self.error(of: request, isOldest: index == 0, reason: reason))
        }
        self.requests = []
        self.commandsInFlight = 0
        return failed
    }

    private static func error(of request: Request, isOldest: Bool, reason: RedisError) -> RedisError {
        if isOldest, reason.code.endsConnection {
            return RedisError(reason.code, reason.message, isOutcomeUnknown: request.commands > 1)
        }
        let code: RedisError.Code = reason.code == .protocolViolation ? reason.code : .connectionLost
        return RedisError(code, reason.message, isOutcomeUnknown: true)
    }

    private static func unaskedReply(_ reply: RedisValue) -> RedisError {
        if case .error(let text) = reply { return RedisError(reply: text) }
        return RedisError(.protocolViolation, "Redis sent a reply that nobody asked for")
    }
}
