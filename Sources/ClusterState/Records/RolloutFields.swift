internal import Registry

/// The fields `rollout:…` of a model type's hash.
struct RolloutFields {
    private let fields: [String: String]

    init(_ fields: [String: String]) {
        self.fields = fields
    }

    /// Nil when there never was one.
    func rollout() throws(RecordError) -> Rollout? {
        guard let state = self.text("state") else { return nil }
        guard let state = Rollout.State(rawValue: state), let version = self.text("to").flatMap({ ModelVersion($0) }),
            let replaced = self.text("from").flatMap({ ModelVersion($0) }), let step = self.number("step"),
            let interval = self.number("interval"), let errorRate = self.text("max_error_rate").flatMap({ Double($0) })
        else { throw RecordError("has a rollout that makes no sense") }
        let steps = (self.text("steps") ?? "").split(separator: ",").compactMap { Int($0) }
        guard steps.indices.contains(Int(step) - 1) else { throw RecordError("has a rollout at no step") }
        return Rollout(
            version: version,
            replaces: replaced,
            steps: steps,
            step: Int(step),
            interval: .milliseconds(interval),
            errorRateMax: errorRate,
            latencyRatioMax: self.text("max_latency_ratio").flatMap { Double($0) },
            state: state,
            began: Timestamp(milliseconds: self.number("began") ?? 0),
            stepBegan: self.number("step_began") ?? 0,
            reason: self.text("reason")
        )
    }

    private func text(_ name: String) -> String? { self.fields["rollout:" + name] }
    private func number(_ name: String) -> Int64? { self.text(name).flatMap { Int64($0) } }
}
