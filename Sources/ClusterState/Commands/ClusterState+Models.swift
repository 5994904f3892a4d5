internal import RedisClient
public import Registry

extension ClusterState {
    /// Makes a version the latest, or begins the rollout that will.
    public func switchModel(
        _ type: ModelType,
        to order: SwitchOrder,
        floor: Epoch,
        by actor: String? = nil
    ) async throws(StateError) -> ModelReply {
        let canary = order.canary
        return try await self.changeModel(
            "model_switch",
            type,
            [
                type.text, floor.description, actor ?? self.actor, order.version.text, order.expected?.text ?? "",
                order.isForced ? "1" : "0", (canary?.steps ?? []).map { String($0) }.joined(separator: ","),
                Self.milliseconds(canary?.interval ?? .zero), String(canary?.errorRateMax ?? 0),
                canary?.latencyRatioMax.map { String($0) } ?? "", order.requiresEvaluation ? "1" : "0",
            ]
        )
    }

    /// Undoes a running rollout; without one, makes the version before the latest the latest again.
    public func rollBackModel(
        _ type: ModelType,
        expecting expected: ModelVersion? = nil,
        force: Bool = false,
        floor: Epoch,
        by actor: String? = nil
    ) async throws(StateError) -> ModelReply {
        try await self.changeModel(
            "model_rollback",
            type,
            [type.text, floor.description, actor ?? self.actor, expected?.text ?? "", force ? "1" : "0"]
        )
    }

    /// Points an alias at a version, or takes it away when the version is nil.
    public func pointAlias(
        _ alias: ModelVersion,
        of type: ModelType,
        at version: ModelVersion?,
        floor: Epoch,
        by actor: String? = nil
    ) async throws(StateError) -> ModelReply {
        try await self.changeModel(
            "model_alias",
            type,
            [type.text, floor.description, actor ?? self.actor, alias.text, version?.text ?? ""]
        )
    }

    /// Splits the traffic that names no version by percentages that add up to 100; an empty split gives all to the latest.
    /// Copies go to the shadow; none without it. Figures of a shadow that is new, or whose order changes, begin anew.
    public func splitTraffic(
        of type: ModelType,
        _ split: [ModelVersion: Int],
        shadow: Shadow? = nil,
        floor: Epoch,
        by actor: String? = nil
    ) async throws(StateError) -> ModelReply {
        try await self.changeModel(
            "model_traffic",
            type,
            [
                type.text, floor.description, actor ?? self.actor, ModelRecord.text(of: split),
                ModelRecord.text(of: shadow),
            ]
        )
    }

    /// Lets switches of the model type demand a passed test of the version, or no longer.
    public func requireEvaluation(
        of type: ModelType,
        _ isRequired: Bool,
        floor: Epoch,
        by actor: String? = nil
    ) async throws(StateError) -> ModelReply {
        try await self.changeModel(
            "model_require",
            type,
            [type.text, floor.description, actor ?? self.actor, isRequired ? "true" : ""]
        )
    }

    /// Lets a version get no new requests, and its last ones be waited for as long as `timeout`.
    public func retireVersion(
        _ version: ModelVersion,
        of type: ModelType,
        timeout: Duration,
        floor: Epoch,
        by actor: String? = nil
    ) async throws(StateError) -> ModelReply {
        try await self.changeModel(
            "model_retire",
            type,
            [type.text, floor.description, actor ?? self.actor, version.text, Self.milliseconds(timeout)]
        )
    }

    /// Moves a version from one state to the next, for the leader of the term or, with `Term.none`, for anybody.
    public func markVersion(
        _ version: ModelVersion,
        of type: ModelType,
        from: VersionState,
        to: VersionState,
        why: String,
        term: Term,
        floor: Epoch,
        by actor: String? = nil
    ) async throws(StateError) -> ModelReply {
        try await self.changeModel(
            "model_mark",
            type,
            [
                term.description, type.text, floor.description, actor ?? self.actor, version.text, from.rawValue,
                to.rawValue, why,
            ]
        )
    }

    /// What becomes of a rollout's step.
    public enum RolloutOutcome: String, Hashable, Sendable { case advance, settle, done, undo }

    /// Carries a rollout on from where the leader saw it.
    public func carryOnRollout(
        of type: ModelType,
        step: Int,
        state: Rollout.State,
        _ outcome: RolloutOutcome,
        detail: String,
        term: Term,
        floor: Epoch,
        by actor: String? = nil
    ) async throws(StateError) -> ModelReply {
        try await self.changeModel(
            "rollout_step",
            type,
            [
                term.description, type.text, floor.description, actor ?? self.actor, String(step), state.rawValue,
                outcome.rawValue, detail,
            ]
        )
    }

    func changeModel(
        _ function: String,
        _ type: ModelType,
        _ arguments: [String]
    ) async throws(StateError) -> ModelReply {
        var (reply, durability) = try await self.commit(function, arguments.map { RedisWord($0) })
        switch try reply.text() {
        case "changed":
            let epoch = try reply.epoch()
            let previous = try reply.epoch()
            let record = RegistryRecord(key: RecordKey(.model, type.text), stamp: epoch, fields: try reply.fields())
            let entry = LogEntry(epoch: epoch, previous: previous, record: record)
            return .changed(ModelChange(epoch: epoch, entry: entry, durability: durability))
        case "same": return .same(try reply.epoch())
        case let status: return .refused(try Self.refusal(status, &reply, function))
        }
    }

    static func refusal(
        _ status: String,
        _ reply: inout ReplyReader,
        _ function: String
    ) throws(StateError) -> ModelRefusal {
        switch status {
        case "absent": .absent
        case "unexpected": .unexpected(latest: try reply.text())
        case "unknown": .unknown(version: try reply.text())
        case "not_ready": .notReady(state: try reply.text(), version: try reply.text())
        case "rolling": .rolling(version: try reply.text())
        case "split": .split(shares: try reply.text())
        case "unevaluated": .unevaluated(verdict: try reply.text())
        case "no_history": .noHistory
        case "no_alias": .noAlias
        case "is_version": .isVersion
        case "in_use": .inUse(by: try reply.text(), state: try reply.text())
        case "not_retirable": .notRetirable(state: try reply.text())
        case "other_artifact": .otherArtifact(try reply.text())
        case "not_deployable": .notDeployable(state: try reply.text())
        case "fenced": .fenced
        case "stale": .stale
        default: throw StateError(.unreadable, "\(function) answered \(status)")
        }
    }
}
