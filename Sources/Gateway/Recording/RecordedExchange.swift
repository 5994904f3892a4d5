internal import NIOCore
public import Registry

/// One prediction as its caller sent it and as it was answered: the bodies alone, nothing that tells who asked.
public struct RecordedExchange: Hashable, Sendable {
    public var type: ModelType
    public var version: ModelVersion
    public var request: [UInt8]
    public var answer: [UInt8]

    public init(type: ModelType, version: ModelVersion, request: [UInt8], answer: [UInt8]) {
        self.type = type
        self.version = version
        self.request = request
        self.answer = answer
    }
}

extension DataPlane {
    /// What was recorded since the last time; at most `RecordingShelf.waitingMax` an event loop.
    public func takeRecorded() async -> [RecordedExchange] {
        var recorded: [RecordedExchange] = []
        for plane in self.planes {
            recorded += (try? await plane.loop.submit { plane.recorded.take() }.get()) ?? []
        }
        return recorded
    }
}
