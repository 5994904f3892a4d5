public import Registry

/// One instance that could train, as it is now.
public struct Trainer: Hashable, Sendable {
    public var key: InstanceKey
    /// Trainings and other requests it takes at a time; 0: no limit.
    public var limit: Int
    /// Why it is not asked now; nil when it can be.
    public var reason: String?
    /// Requests there now.
    public var inFlight: Int
    /// Its version is the one that callers get.
    public var isLatest: Bool
    /// It fetches data by itself when it is given a URL.
    public var takesDataURL: Bool

    public init(
        key: InstanceKey,
        limit: Int,
        reason: String?,
        inFlight: Int = 0,
        isLatest: Bool = true,
        takesDataURL: Bool = false
    ) {
        self.key = key
        self.limit = limit
        self.reason = reason
        self.inFlight = inFlight
        self.isLatest = isLatest
        self.takesDataURL = takesDataURL
    }
}
