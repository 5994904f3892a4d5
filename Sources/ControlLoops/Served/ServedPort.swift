public import Gateway
public import Registry

/// What the loop that tells of callers' answers needs of the data plane.
public protocol ServedPort: Sendable {
    /// What callers got since the last call of this; `inFlight` is what it changed by.
    func takeServed() async -> ServedTraffic
}

extension DataPlane: ServedPort {}
