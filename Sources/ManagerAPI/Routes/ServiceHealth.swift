internal import Gateway
internal import Hummingbird
internal import Registry

/// `GET /services/{service_id}/health`: what probes and traffic say of each instance.
struct ServiceHealth: Sendable {
    let ports: FacePorts
    let knowledge: Knowledge

    func show(_ call: Call) async throws -> Response {
        let id = try call.name("service_id", ServiceID.self)
        let probe = try call.query.flag("probe")
        let service = try await self.knowledge.service(id)
        if probe { try await call.whileCallerPresent { await self.ports.health.probeNow(id) } }
        let report = await self.ports.health.report(of: id)
        return .json(self.json(service, report, self.ports.traffic.states(of: id)))
    }

    private func json(_ service: Service, _ report: HealthReport, _ states: [InstanceState]) -> JSONValue {
        let condition = ServiceCondition(service, states)
        return [
            "service_id": .string(service.id.text),
            "status": .string(condition.status.rawValue),
            "circuit_breaker": [
                "state": .string(condition.breaker.rawValue), "failures": JSONValue(condition.failures),
                "opened_at": self.time(condition.openedAt), "retry_at": self.time(condition.retryAt),
                "trips": JSONValue(condition.trips),
            ],
            "in_flight": JSONValue(condition.inFlight),
            "limit": service.definition.concurrentRequestsMax.map { JSONValue($0) } ?? .null,
            "instances": .array(self.instances(service, report, states)),
            "history": .array(report.history.map(Self.json)),
        ]
    }

    /// Every address that probes or traffic know; the registered one when neither does.
    private func instances(_ service: Service, _ report: HealthReport, _ states: [InstanceState]) -> [JSONValue] {
        var urls = states.map(\.key.url)
        urls += report.instances.map(\.url).filter { !urls.contains($0) }
        if urls.isEmpty { urls = [service.definition.url] }
        return urls.map { url in
            let state = states.first { $0.key.url == url }
            return self.json(report.instances.first { $0.url == url } ?? InstanceHealth(url: url), state)
        }
    }

    private func json(_ health: InstanceHealth, _ state: InstanceState?) -> JSONValue {
        [
            "url": .string(health.url.description),
            "status": .string((state?.verdict ?? health.verdict).rawValue),
            "last_check": JSONValue(health.lastCheck?.description),
            "latency_ms": JSONValue(milliseconds: health.latency),
            "checked_by": JSONValue(health.checkedBy),
            "error": JSONValue(health.error),
            "since": JSONValue(health.since?.description),
            "circuit_breaker": .string((state?.breaker ?? .closed).rawValue),
            "in_flight": JSONValue(state?.inFlight ?? 0),
        ]
    }

    private static func json(_ record: ProbeRecord) -> JSONValue {
        [
            "at": .string(record.at.description), "url": .string(record.url.description),
            "status": .string(record.verdict.rawValue), "latency_ms": JSONValue(milliseconds: record.latency),
            "error": JSONValue(record.error),
        ]
    }

    private func time(_ instant: Instant?) -> JSONValue {
        JSONValue(instant.map { self.ports.clocks.timestamp(of: $0).description })
    }
}
