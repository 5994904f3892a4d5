internal import Registry

/// What became of the requests of one version of a model, per event loop; survives snapshots.
///
/// Requests, not attempts: what callers got of the version, which is what a canary is judged by.
final class VersionMeter: Sendable {
    /// Names a meter over snapshots.
    struct Key: Hashable, Sendable {
        var modelType: ModelType
        var version: ModelVersion
    }

    let key: Key
    let lanes: [VersionLane]

    init(key: Key, laneCount: Int) {
        self.key = key
        self.lanes = (0..<laneCount).map { _ in VersionLane() }
    }
}

/// One event loop's part of a meter. Confined to its event loop (`@unchecked Sendable`).
final class VersionLane: @unchecked Sendable {
    var requests: Int64 = 0
    /// Of these, answered with 5xx or broken off.
    var failures: Int64 = 0
    var latencyMicroseconds: Int64 = 0
    var inFlight = 0
    /// What became of copies that the version got as a shadow.
    var shadow = ShadowFigures()
    var copiesUnderWay = 0
    /// Percentages added up since the last copy.
    var shadowDue = 0
    /// Millionths added up since the last prediction that was recorded.
    var recordingDue = 0
}
