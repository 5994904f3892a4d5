/// What was explicitly pointed where for one model type, and what the store wrote down about its versions.
public struct ModelPointers: Hashable, Sendable {
    /// Nil until the first switch.
    public var latest: ModelVersion?
    public var aliases: [ModelVersion: ModelVersion]
    /// Percentages of the requests that name no version; empty: all of them go to the latest.
    public var split: [ModelVersion: Int]
    /// Nil: nothing is copied.
    public var shadow: Shadow?
    /// Nil: no live request is kept.
    public var recording: Recording?
    /// What was the latest before, the newest last: where a roll-back goes.
    public var history: [ModelVersion]
    public var notes: [ModelVersion: VersionNote]
    /// Services that were told to load a version and did, beside the one that they are registered with.
    public var hosts: [ModelVersion: [ServiceID]]
    /// The last one of each version, also when it is over.
    public var deployments: [ModelVersion: Deployment]
    /// The last one, also when it is over.
    public var rollout: Rollout?
    /// Whether a switch needs a passed test of the version.
    public var requiresEvaluation = false

    public init(latest: ModelVersion? = nil, aliases: [ModelVersion: ModelVersion] = [:]) {
        self.latest = latest
        self.aliases = aliases
        self.split = [:]
        self.shadow = nil
        self.recording = nil
        self.history = []
        self.notes = [:]
        self.hosts = [:]
        self.deployments = [:]
        self.rollout = nil
    }
}
