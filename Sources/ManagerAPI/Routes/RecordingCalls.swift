internal import ClusterState
internal import Hummingbird
internal import Registry

/// Lets live predictions of a model type be recorded for replay in offline tests, and tells how many there are. What was
/// recorded is shown to nobody: it may be private.
struct RecordingCalls: Sendable {
    let orders: ModelOrders

    /// `GET /models/{model_type}/recording`
    func show(_ call: Call) async throws -> Response {
        let type = try call.name("model_type", ModelType.self)
        let recording = try await self.orders.knowledge.model(type).pointers.recording
        let count = try await self.orders.commands.recordedCount(of: type)
        return .json([
            "share": recording.map { .number($0.share) } ?? .null,
            "limit": recording.map { JSONValue($0.limit) } ?? .null, "recorded": JSONValue(count),
        ])
    }

    /// `PUT /models/{model_type}/recording`
    func begin(_ call: Call) async throws -> Response {
        let type = try call.name("model_type", ModelType.self)
        return try await self.set(try RecordingForm.read(try await self.orders.form(call)).recording, of: type)
    }

    /// `DELETE /models/{model_type}/recording`: what was recorded is forgotten.
    func end(_ call: Call) async throws -> Response {
        try await self.set(nil, of: try call.name("model_type", ModelType.self))
    }

    private func set(_ recording: Recording?, of type: ModelType) async throws -> Response {
        let reply = try await self.orders.commands.setRecording(of: type, recording)
        return try self.orders.answer(type, try await self.orders.settle(reply, type))
    }
}
