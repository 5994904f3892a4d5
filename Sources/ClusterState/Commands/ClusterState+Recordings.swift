internal import RedisClient
public import Registry

/// Live predictions that were recorded for replay.
extension ClusterState {
    /// So many are handed over in one call.
    private static let handedOverMax = 32

    /// Begins to record live predictions of the model type; nil ends that and forgets them.
    public func setRecording(
        of type: ModelType,
        _ recording: Recording?,
        floor: Epoch,
        by actor: String? = nil
    ) async throws(StateError) -> ModelReply {
        try await self.changeModel(
            "recording_set",
            type,
            [type.text, floor.description, actor ?? self.actor, ModelRecord.text(of: recording)]
        )
    }

    /// Keeps predictions, the newest last; without effect when nothing is to be recorded. How many there are then.
    @discardableResult public func keepRecorded(
        _ predictions: [RecordedPrediction],
        of type: ModelType
    ) async throws(StateError) -> Int {
        var kept = 0
        var rest = predictions[...]
        while !rest.isEmpty {
            let texts = rest.prefix(Self.handedOverMax).map { $0.json.serialized() }
            rest = rest.dropFirst(Self.handedOverMax)
            var reply = try await self.call("recording_add", ([type.text] + texts).map { RedisWord($0) })
            guard try reply.text() == "kept" else { return 0 }
            kept = Int(try reply.integer())
        }
        return kept
    }

    /// How many predictions are recorded of the model type.
    public func recordedCount(of type: ModelType) async throws(StateError) -> Int {
        var reply = try await self.call("recording_read", [RedisWord(type.text), RedisWord("0")])
        _ = try reply.text()
        return Int(try reply.integer())
    }

    /// The recorded predictions, the newest first.
    public func recorded(of type: ModelType, atMost count: Int) async throws(StateError) -> [RecordedPrediction] {
        var reply = try await self.call("recording_read", [RedisWord(type.text), RedisWord(String(count))])
        _ = try reply.text()
        _ = try reply.integer()
        return reply.rest().compactMap { item in
            item.string.flatMap { try? JSONValue.parse($0) }.flatMap { RecordedPrediction(json: $0) }
        }
    }
}
