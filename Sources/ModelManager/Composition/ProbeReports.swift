import ClusterState
import ControlLoops
import Decisions
import ManagerAPI
import Registry

/// What probes know, in the form the routes show: from Redis, whoever probed; without it what this replica knows.
struct ProbeReports: HealthReports {
    let prober: Prober
    let state: ClusterState

    private static let patience = Duration.milliseconds(500)

    func report(of service: ServiceID) async -> HealthReport {
        let known = self.prober.report(of: service)
        let shared = try? await self.state.health(of: known.map(\.key), within: Self.patience)
        var report = HealthReport()
        for (place, own) in known.enumerated() {
            if let record = shared?[place] {
                Self.add(record, to: &report)
            } else {
                Self.add(own, to: &report)
            }
        }
        report.history.sort { $0.at > $1.at }
        return report
    }

    var probeTally: ProbeTally {
        let counts = self.prober.counts
        return ProbeTally(well: counts.well, failed: counts.failed, opinions: counts.opinions)
    }

    func probeNow(_ service: ServiceID) async {
        _ = await self.prober.probeNow(service)
    }

    private static func add(_ record: InstanceRecord, to report: inout HealthReport) {
        var shown = InstanceHealth(url: record.instance.url, verdict: record.verdict)
        shown.lastCheck = record.lastCheck
        shown.latency = record.latency
        shown.checkedBy = record.checkedBy
        shown.error = record.error
        shown.since = record.since
        report.instances.append(shown)
        report.history += record.history.map {
            ProbeRecord(at: $0.at, url: record.instance.url, verdict: $0.to, error: $0.error)
        }
    }

    private static func add(_ one: ProbeReport, to report: inout HealthReport) {
        var shown = InstanceHealth(url: one.key.url, verdict: one.verdict)
        shown.lastCheck = one.lastCheck
        shown.latency = one.latency
        shown.checkedBy = one.lastCheck == nil ? nil : one.checkedBy
        shown.error = one.error
        shown.since = one.since
        report.instances.append(shown)
        report.history += one.history.map {
            ProbeRecord(at: $0.at, url: one.key.url, verdict: $0.to, error: $0.reason)
        }
    }
}
