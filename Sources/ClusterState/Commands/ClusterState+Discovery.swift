internal import RedisClient
public import Registry

/// What became of a write by which the leader says what it saw.
public enum SightingReply<Done: Sendable & Hashable>: Sendable, Hashable {
    case done(Done)
    /// Nothing was to be done.
    case nothing(Reason)

    public enum Reason: String, Sendable, Hashable {
        /// Nothing new.
        case same
        /// The API or a document registered the service: it is theirs.
        case theirs
        /// It was removed on purpose, less than a day ago, and says nothing new since.
        case buried
        /// There is no such service.
        case absent
        /// The service has another URL by now.
        case moved
        /// It belongs to another source by now.
        case conflict
    }
}

/// What only a leader writes; to be called on `leading(under:)`.
extension ClusterState {
    /// Registers what introspection saw. The `fingerprint` changes with anything that was seen.
    public func registerSeen(
        _ definition: ServiceDefinition,
        source: Service.Source,
        fingerprint: String,
        floor: Epoch
    ) async throws(StateError) -> SightingReply<Committed> {
        let fields: [(field: ServiceRecord.Field, value: String)]
        do throws(RecordError) {
            fields = try ServiceRecord.registration(of: definition, source: source)
        } catch {
            throw StateError(.invalid, "the service \(error)")
        }
        let head = [fingerprint, definition.id.text, floor.description, "", self.actor]
        let arguments = head + fields.flatMap { [$0.field.rawValue, $0.value] }
        return try await self.change("discovery_register", definition.id, arguments)
    }

    /// Removes what is seen no more, if it is still of the source.
    public func removeUnseen(
        _ id: ServiceID,
        source: Service.Source,
        floor: Epoch
    ) async throws(StateError) -> SightingReply<Removed> {
        let arguments = [id.text, floor.description, "", self.actor, source.rawValue]
        var (reply, durability) = try await self.commit("discovery_remove", arguments.map { RedisWord($0) })
        let status = try reply.text()
        if let reason = SightingReply<Removed>.Reason(rawValue: status) { return .nothing(reason) }
        return .done(try self.removed(id, &reply, durability))
    }

    /// Stores the addresses that the host of a service's URL stands for.
    public func storeResolution(
        _ resolution: Resolution,
        of id: ServiceID,
        floor: Epoch
    ) async throws(StateError) -> SightingReply<Committed> {
        let addresses = ServiceRecord.text(resolution)
        let arguments = [id.text, resolution.url.description, addresses, floor.description, self.actor]
        return try await self.change("discovery_resolve", id, arguments)
    }

    private func change(
        _ function: String,
        _ id: ServiceID,
        _ arguments: [String]
    ) async throws(StateError) -> SightingReply<Committed> {
        var (reply, durability) = try await self.commit(function, arguments.map { RedisWord($0) })
        let status = try reply.text()
        if let reason = SightingReply<Committed>.Reason(rawValue: status) { return .nothing(reason) }
        return .done(try self.committed(id, status, &reply, durability))
    }
}
