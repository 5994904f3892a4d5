internal import Decisions
internal import Gateway
internal import HTTPTypes
internal import Hummingbird
public import Logging
internal import Registry
internal import Synchronization

/// Stands before every route but the open ones: no request passes that does not show who its caller is, and none that its
/// caller's role does not allow. Counts whom it turned away.
public final class AccessGuard: Sendable {
    private let desk: AccessDesk
    private let logger: Logger
    private let failures = Mutex(FailedCallers())
    private let refusals = Mutex([String: Int64]())

    public init(desk: AccessDesk, logger: Logger) {
        self.desk = desk
        self.logger = logger
    }

    var keyHolders: [Principal] { self.desk.keyHolders }

    /// By reason; every reason is there, so that a counter exists before its first event.
    var refused: [(reason: String, count: Int64)] {
        let counts = self.refusals.withLock { $0 }
        return (AccessFault.names + ["forbidden", "rate_limited"]).map { ($0, counts[$0] ?? 0) }
    }

    /// The caller, and the header that stays here.
    func admit(_ request: Request, at address: String, _ clocks: ReplicaClocks) async throws -> AccessDesk.Admission {
        do throws(AccessFault) {
            return try await self.desk.admit(request.headers, request.method, at: clocks.wall())
        } catch {
            throw self.refusal(error, request, address, clocks.monotonic())
        }
    }

    func check(_ principal: Principal, _ route: Route) throws {
        guard let needed = route.access.role(for: route.method), principal.role < needed else { return }
        self.count("forbidden")
        throw Problem(
            .forbidden,
            "\(principal.id) may not do this",
            detail: "it needs the role \(needed.rawValue); \(principal.id) has \(principal.role.rawValue)"
        )
    }

    private func refusal(_ fault: AccessFault, _ request: Request, _ address: String, _ now: Instant) -> any Error {
        self.count(fault.name)
        // Whoever shows nothing guesses nothing: a browser does so before it asks its user.
        if fault != .missing, let problem = self.limit(address, now) { return problem }
        let wantsPage = request.headers[values: .accept].contains { $0.contains("text/html") }
        return Unauthorized(
            problem: Problem(.unauthorized, fault.sentence, detail: fault.advice),
            offersBasic: wantsPage
        )
    }

    private func limit(_ address: String, _ now: Instant) -> Problem? {
        switch self.failures.withLock({ $0.failed(at: address, now: now) }) {
        case .counted: return nil
        case .limited(let seconds, let isFirst):
            self.count("rate_limited")
            if isFirst {
                self.logger.warning(
                    "a caller shows wrong credentials again and again",
                    metadata: ["mm.address": "\(address)"]
                )
            }
            return Problem(
                .rateLimited,
                "too many wrong credentials from this address",
                detail: "good ones are let in all the same",
                retryAfter: seconds
            )
        }
    }

    private func count(_ reason: String) {
        self.refusals.withLock { $0[reason, default: 0] += 1 }
    }
}

/// A problem that says how to show who one is.
struct Unauthorized: Error {
    var problem: Problem
    /// For browsers, which then ask their user; other clients would only be confused.
    var offersBasic: Bool

    var challenges: [String] {
        [#"Bearer realm="model-manager""#]
            + (self.offersBasic ? [#"Basic realm="model-manager", charset="UTF-8""#] : [])
    }
}

extension AccessFault {
    fileprivate var sentence: String {
        switch self {
        case .missing: "this needs a key or a token"
        case .malformed(let reason): reason
        case .unknown: "the key is not known here"
        case .expired: "the key has expired"
        case .token(let reason): "the token is not accepted: \(reason)"
        }
    }

    fileprivate var advice: String { "send Authorization: Bearer <key or token>, or x-api-key: <key>" }
}
