internal import ClusterState

/// What one reading of the cluster's verdicts brought.
struct VerdictNews: Sendable {
    /// The store has lost what it had: its versions may begin anew.
    var isAnew = false
    /// The oldest change first.
    var changed: [VerdictSight] = []
}
