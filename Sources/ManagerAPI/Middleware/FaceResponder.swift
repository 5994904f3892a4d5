internal import HTTPTypes
public import Hummingbird
internal import Logging
internal import NIOCore
internal import Registry

/// Answers every request that does not take the fast path: finds its route, runs it, makes an answer of any error,
/// and stamps what every answer carries.
public struct FaceResponder: HTTPResponder {
    let table: RouteTable
    let ports: FacePorts
    let identity: ReplicaIdentity
    let counts: RouteCounts
    let epochWaitMax: Duration
    /// Nil: nobody must show who he is.
    let access: AccessGuard?
    let logger: Logger

    public func respond(to request: Request, context: FaceContext) async throws -> Response {
        let requestID = RequestIDRule.keepOrMake(request.headers[.requestID])
        var response: Response
        var route: Route?
        do {
            response = try await self.answer(request, requestID, context, &route)
        } catch {
            guard let answer = ProblemAnswer(answering: error) else { throw error }
            self.note(error, answer.problem, requestID)
            response = answer.response(requestID: requestID)
        }
        self.stamp(&response, requestID)
        self.counts.answered(route, status: response.status.code)
        return request.method == .head ? response.createHeadResponse() : response
    }

    /// The `route` is told as soon as it is known, so that a refusal counts for it as well.
    private func answer(
        _ request: Request,
        _ requestID: String,
        _ context: FaceContext,
        _ route: inout Route?
    ) async throws -> Response {
        let target = request.head.path ?? "/"
        let question = target.firstIndex(of: "?") ?? target.endIndex
        let segments = try CanonicalPath.segments(of: String(target[..<question]))
        let found = Result { try self.table.find(request.method, segments) }
        route = try? found.get().route
        // Before anything else is said: also what there is not is told to nobody unknown.
        let admission = try await self.admission(request, route, context)
        let match = try found.get()
        if let admission { try self.access?.check(admission.principal, match.route) }
        if match.route.negotiates { try Self.negotiate(request, match.route) }
        let query = try Query(question < target.endIndex ? String(target[target.index(after: question)...]) : nil)
        try await self.waitForEpoch(request.headers)
        let call = Call(
            request: request.without(admission?.withheld),
            requestID: requestID,
            caller: context.caller,
            principal: admission?.principal,
            parameters: match.parameters,
            query: query
        )
        guard let principal = call.principal else { return try await match.route.handler(call) }
        if let scope = principal.scope { try self.require(scope, for: call, match.route) }
        return try await Acting.$principal.withValue(principal) { try await match.route.handler(call) }
    }

    /// Nil where nobody must show who he is.
    private func admission(_ request: Request, _ route: Route?, _ context: FaceContext) async throws
        -> AccessDesk.Admission?
    {
        guard let access, route?.access != .open else { return nil }
        return try await access.admit(request, at: context.address, self.ports.clocks)
    }

    private static func negotiate(_ request: Request, _ route: Route) throws {
        if route.body != nil { try Negotiation.requireJSON(request.headers) }
        try Negotiation.requireAcceptable(route.answers.map(\.media), request.headers)
    }

    /// Read your own writes: a caller who was told an epoch sees nothing older, on whichever replica.
    private func waitForEpoch(_ headers: HTTPFields) async throws {
        guard let text = headers[.managerEpoch] else { return }
        guard let number = Int64(text), number >= 0 else {
            throw Problem(.invalidRequest, "x-mm-epoch must be a whole number, not negative")
        }
        guard await self.ports.snapshots.waitForEpoch(Epoch(number), within: self.epochWaitMax) else {
            let mine = self.ports.snapshots.snapshot?.epoch ?? .zero
            throw Problem(
                .epochNotReached,
                "this replica does not know epoch \(number) yet",
                detail: "it waited \(self.epochWaitMax.inSeconds) s and is at epoch \(mine)",
                retryAfter: 1
            )
        }
    }

    private func stamp(_ response: inout Response, _ requestID: String) {
        response.headers[.requestID] = requestID
        response.headers[.managerReplica] = self.identity.id
        // What an instance answered is passed on as it came.
        if response.headers[.managerInstance] == nil {
            response.headers[.date] = self.ports.clocks.wall().httpDate
        }
        let store = self.ports.store.storeStatus
        if !store.connected { response.headers[.managerStale] = String(store.staleness.components.seconds) }
        if self.ports.replica.isDraining { response.headers[.connection] = "close" }
    }

    /// A caller's mistake is the caller's to see; what the manager got wrong is the operator's.
    private func note(_ error: any Error, _ problem: Problem, _ requestID: String) {
        guard problem.code == .internalError else { return }
        self.logger.error(
            "A request failed inside the manager",
            metadata: ["mm.request_id": "\(requestID)", "mm.error": "\(error)"]
        )
    }
}

extension Request {
    /// As it came, but for one header.
    fileprivate func without(_ name: HTTPField.Name?) -> Request {
        guard let name else { return self }
        var head = self.head
        head.headerFields[name] = nil
        return Request(head: head, body: self.body)
    }
}
