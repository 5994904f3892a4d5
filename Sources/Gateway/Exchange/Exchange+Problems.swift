internal import Decisions
internal import Registry

/// The manager's own words when no instance gave an answer.
extension Exchange {
    func problem(_ code: Problem.Code) -> Problem {
        let name = self.pool.map { "model_type \($0.key.modelType), version \($0.key.version)" } ?? "the model"
        let message =
            switch code {
            case .upstreamTimeout: "no instance of \(name) answered in time"
            case .upstreamInvalid: "what the instances of \(name) answered is not HTTP"
            case .overloaded: "all services of \(name) have as many requests as they may"
            default: "no instance of \(name) could be reached"
            }
        return Problem(
            code,
            message,
            detail: self.lastFailure,
            retryAfter: code.status == 503 ? 1 : nil,
            attempts: self.attemptsMade
        )
    }

    /// Nobody can take the request now.
    func nobody(_ pool: RoutePool, _ view: PoolView, now: Instant) -> Problem {
        self.machine = ExchangeMachine(
            policy: ExchangePolicy(deadline: now, retriesMax: 0, retryDelay: .zero, isRepeatable: false)
        )
        let name = "model_type \(pool.key.modelType), version \(pool.key.version)"
        let returns = pool.members.compactMap { $0.upstream.gate.breaker.own.movesOnAt }.min()
        let seconds = returns.map { max(1, Int(($0 - now).inSeconds.rounded(.up))) } ?? 1
        return Problem(
            .noHealthyService,
            "no healthy service for \(name)",
            retryAfter: seconds
        )
    }
}

extension UpstreamEnd {
    var asAttemptEnd: AttemptEnd {
        switch self.kind {
        case .crowded, .failure(.exhausted): .crowded
        case .failure(.resolve), .failure(.denied), .failure(.connectRefused), .failure(.connectTimeout),
            .failure(.tls):
            .unreachable
        case .failure(.reset): .reset
        case .failure(.timeout): .timeout
        case .failure(.brokenAnswer): .broken
        }
    }

    /// As `attempts` of a problem tell it.
    var name: String {
        switch self.kind {
        case .crowded: "crowded"
        case .failure(let kind): kind.rawValue
        }
    }
}
