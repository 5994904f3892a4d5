import ControlLoops
import Decisions
import ManagerAPI
import Registry

/// What the prober knows, in the form the routes show.
struct ProbeReports: HealthReports {
    let prober: Prober

    func report(of service: ServiceID) async -> HealthReport {
        Self.report(self.prober.report(of: service))
    }

    func probeNow(_ service: ServiceID) async {
        _ = await self.prober.probeNow(service)
    }

    private static func report(_ known: [ProbeReport]) -> HealthReport {
        let instances = known.map { one in
            var shown = InstanceHealth(url: one.key.url, verdict: one.verdict)
            shown.lastCheck = one.lastCheck
            shown.latency = one.latency
            shown.checkedBy = one.lastCheck == nil ? nil : one.checkedBy
            shown.error = one.error
            shown.since = one.since
            return shown
        }
        let history = known.flatMap { one in
            one.history.map { ProbeRecord(at: $0.at, url: one.key.url, verdict: $0.to, error: $0.reason) }
        }
        return HealthReport(instances: instances, history: history.sorted { $0.at > $1.at })
    }
}
