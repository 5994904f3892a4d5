public import Gateway

/// What the recorder of live predictions needs of the data plane.
public protocol RecordingPort: Sendable {
    /// What was recorded since the last time.
    func takeRecorded() async -> [RecordedExchange]
}

extension DataPlane: RecordingPort {}
