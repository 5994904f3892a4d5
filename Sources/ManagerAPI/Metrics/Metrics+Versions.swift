internal import Registry

/// What this replica's callers got of each version.
///
/// Read from the figures that canaries are judged by, which event loops count anyway. Bound: two series and a gauge for
/// each of at most `versionsMax` versions that the registry knows, in the order of their names; how many were left out is
/// told.
extension Metrics {
    static let versionsMax = 1000

    func versions(_ all: [VersionTraffic], _ snapshot: RegistrySnapshot, _ page: inout MetricsPage) {
        let known = all.filter { row in
            guard let model = snapshot.models[row.type], model.knownVersions.contains(row.version) else { return false }
            return model.pointers.notes[row.version]?.state != .retired
        }
        let shown = known.sorted { ($0.type, $0.version) < ($1.type, $1.version) }.prefix(Self.versionsMax)
        let name = "model_manager_model_"
        func labels(_ row: VersionTraffic) -> MetricsPage.Labels {
            [("model_type", row.type.text), ("version", row.version.text)]
        }
        page.family(
            name + "requests",
            .counter,
            "Requests of a version; failure: 5xx, or broken off. Copies for a shadow count.",
            shown.flatMap { row in
                [("success", row.requests - row.failures), ("failure", row.failures)].map {
                    (labels(row) + [("outcome", $0.0)], Double($0.1))
                }
            }
        )
        page.family(
            name + "answer_seconds",
            .counter,
            "Time until a version's answers began, summed.",
            shown.map { (labels($0), Double($0.latencyMicroseconds) / 1e6) }
        )
        page.family(
            name + "requests_in_flight",
            .gauge,
            "Requests at a version.",
            shown.map { (labels($0), Double($0.inFlight)) }
        )
        page.family(
            name + "versions_left_out",
            .gauge,
            "Versions without series of their own, because there are too many.",
            [([], Double(known.count - shown.count))]
        )
    }
}
