internal import ClusterState
internal import Registry

/// A model's rollout and its versions as callers see them.
enum ModelJSON {
    static func json(_ rollout: Rollout) -> JSONValue {
        [
            "version": .string(rollout.version.text), "replaces": .string(rollout.replaces.text),
            "state": .string(rollout.state.rawValue), "steps": .array(rollout.steps.map { JSONValue($0) }),
            "step": JSONValue(rollout.step), "share": JSONValue(rollout.isUnderWay ? rollout.share : 0),
            "interval": JSONValue(seconds: rollout.interval), "max_error_rate": .number(rollout.errorRateMax),
            "max_latency_ratio": rollout.latencyRatioMax.map { .number($0) } ?? .null,
            "began": .string(rollout.began.description), "reason": JSONValue(rollout.reason),
        ]
    }

    /// What was measured of the versions of a rollout in its present step, over all replicas.
    static func json(_ sight: TrafficSight) -> JSONValue {
        let counts = sight.counts.sorted { $0.key < $1.key }
        return .members(counts.map { ($0.key.text, self.json($0.value)) })
    }

    /// Why a step goes on beyond its end; null when it does not.
    static func hold(of rollout: Rollout, _ sight: TrafficSight) -> JSONValue {
        let hold = rollout.hold(
            after: .milliseconds(max(0, sight.leaseClock - rollout.stepBegan)),
            newRequests: sight.counts[rollout.version]?.requests ?? 0,
            oldRequests: sight.counts[rollout.replaces]?.requests ?? 0
        )
        guard rollout.state == .running, case .unasked(let left) = hold else { return .null }
        return .string("nobody asks \(rollout.version); it is given up in \(left.components.seconds) s")
    }

    /// What became of a deployment, service by service.
    static func json(_ deployment: Deployment) -> JSONValue {
        let services: [JSONValue] = deployment.services.map { id in
            let outcome = deployment.outcomes[id]
            return [
                "service_id": .string(id.text), "outcome": JSONValue(outcome?.name),
                "reason": JSONValue(outcome?.reason),
            ]
        }
        return [
            "artifact": JSONValue(deployment.artifact), "under_way": .bool(deployment.isUnderWay),
            "services": .array(services),
        ]
    }

    /// Which replicas hold requests of a version.
    static func holders(_ sight: TrafficSight, of version: ModelVersion) -> JSONValue {
        let rows = sight.holders.map { ($0.replica, $0.inFlight[version] ?? 0) }
        let holding: [JSONValue] = rows.filter { $0.1 > 0 }.map {
            ["replica_id": .string($0.0), "in_flight": JSONValue($0.1)]
        }
        return ["total": JSONValue(rows.reduce(0) { $0 + $1.1 }), "replicas": .array(holding)]
    }

    static func json(_ shadow: Shadow) -> JSONValue {
        [
            "version": .string(shadow.version.text), "percent": JSONValue(shadow.percent),
            "field": .string(shadow.field),
        ]
    }

    static func json(_ recording: Recording) -> JSONValue {
        ["share": .number(recording.share), "limit": JSONValue(recording.limit)]
    }

    /// How a shadow's answers compared; means over the requests that were compared.
    static func json(_ figures: ShadowFigures, _ shadow: Shadow?) -> JSONValue {
        func mean(_ sum: Double, _ count: Int64) -> JSONValue { count == 0 ? .null : .number(sum / Double(count)) }
        return [
            "field": JSONValue(shadow?.field), "percent": shadow.map { JSONValue($0.percent) } ?? .null,
            "requests": .integer(figures.requests), "skipped": .integer(figures.skipped),
            "failures": .integer(figures.failures), "status_differs": .integer(figures.statusDiffers),
            "compared": .integer(figures.compared), "equal": .integer(figures.equal),
            "mean_difference": mean(figures.difference, figures.compared),
            "mean_magnitude": mean(figures.magnitude, figures.compared),
            "mean_ms": mean(Double(figures.latencyMicroseconds) / 1000, figures.requests),
            "mean_ms_of_callers": mean(Double(figures.callerLatencyMicroseconds) / 1000, figures.requests),
        ]
    }

    private static func json(_ counts: TrafficSight.Counts) -> JSONValue {
        let mean = counts.requests == 0 ? 0 : counts.latencyMicroseconds / counts.requests
        return [
            "requests": .integer(counts.requests), "failures": .integer(counts.failures),
            "mean_ms": .number(Double(mean) / 1000),
        ]
    }
}
