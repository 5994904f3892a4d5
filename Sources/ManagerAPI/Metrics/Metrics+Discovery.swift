internal import Registry

/// What a replica that led found by itself.
extension Metrics {
    func discovery(_ page: inout MetricsPage) {
        guard let report = self.ports.discovery?.discovery, let lastAt = report.lastAt else { return }
        let name = "model_manager_discovery_"
        page.family(name + "sweeps", .counter, "Sweeps of this replica while it led.", [([], Double(report.sweeps))])
        page.family(
            name + "last_sweep_timestamp_seconds",
            .gauge,
            "End of this replica's last sweep since the Unix epoch.",
            [([], Double(lastAt.milliseconds) / 1000)]
        )
        page.family(
            name + "found",
            .gauge,
            "What a source gave in the last sweep.",
            report.lines.map { ([("source", $0.source)], Double($0.found)) }
        )
        page.family(
            name + "errors",
            .counter,
            "What went wrong in sweeps, by source.",
            report.lines.map { ([("source", $0.source)], Double($0.errors)) }
        )
    }
}
