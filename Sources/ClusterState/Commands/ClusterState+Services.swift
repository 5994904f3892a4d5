internal import RedisClient
public import Registry

extension ClusterState {
    /// Stores a service as it is given; repeating it changes nothing but renews its lease.
    ///
    /// The `floor` is the epoch of the caller's snapshot, `actor` who asks, for the events. Throws `conflict` when the
    /// service is not as expected, `invalid` when it cannot be stored.
    public func register(
        _ definition: ServiceDefinition,
        source: Service.Source,
        floor: Epoch,
        expecting: Expectation = .anything,
        by actor: String? = nil
    ) async throws(StateError) -> Committed {
        let fields: [(field: ServiceRecord.Field, value: String)]
        do throws(RecordError) {
            fields = try ServiceRecord.registration(of: definition, source: source)
        } catch {
            throw StateError(.invalid, "the service \(error)")
        }
        return try await self.change("service_register", definition.id, floor, expecting.text, actor, fields)
    }

    /// Changes some fields of a registered service.
    /// Throws `notFound`, `conflict`, `invalid`.
    public func patch(
        _ id: ServiceID,
        _ patch: ServicePatch,
        floor: Epoch,
        expecting: Expectation = .anything,
        by actor: String? = nil
    ) async throws(StateError) -> Committed {
        let fields: [(field: ServiceRecord.Field, value: String)]
        do throws(RecordError) {
            fields = try ServiceRecord.fields(of: patch)
        } catch {
            throw StateError(.invalid, "the service \(error)")
        }
        return try await self.change("service_patch", id, floor, expecting.text, actor, fields)
    }

    /// Takes a service out of rotation, or puts it back. Throws `notFound`.
    public func drain(
        _ id: ServiceID,
        _ isDraining: Bool,
        floor: Epoch,
        by actor: String? = nil
    ) async throws(StateError) -> Committed {
        try await self.change("service_drain", id, floor, String(isDraining), actor, [])
    }

    /// Removes a service, provided that it is still of the `source` when one is named. Throws `notFound`, `conflict`.
    public func remove(
        _ id: ServiceID,
        floor: Epoch,
        expecting: Expectation = .anything,
        ifSource source: Service.Source? = nil,
        by actor: String? = nil
    ) async throws(StateError) -> Removed {
        let arguments = [
            id.text, floor.description, expecting.text, actor ?? self.actor, source?.rawValue ?? "",
        ]
        var (reply, durability) = try await self.commit("service_remove", arguments.map { RedisWord($0) })
        try self.checkDone(try reply.text(), id)
        return try self.removed(id, &reply, durability)
    }

    func removed(
        _ id: ServiceID,
        _ reply: inout ReplyReader,
        _ durability: Durability?
    ) throws(StateError) -> Removed {
        let epoch = try reply.epoch()
        let record = RegistryRecord(key: RecordKey(.service, id.text), stamp: epoch, content: .removed)
        let entry = LogEntry(epoch: epoch, previous: try reply.epoch(), record: record)
        return Removed(id: id, epoch: epoch, entry: entry, durability: durability)
    }

    /// Renews the lease of a service. Throws `notFound`: the service must register again.
    public func heartbeat(_ id: ServiceID) async throws(StateError) -> Heartbeat {
        var reply = try await self.call("service_heartbeat", [RedisWord(id.text)])
        let status = try reply.text()
        try self.checkDone(status, id)
        guard status == "renewed" else { return .unlimited }
        guard let seconds = Double(try reply.text()) else {
            throw StateError(.unreadable, "the service \(id) has a lease that makes no sense")
        }
        return .renewed(.seconds(seconds))
    }

    /// Removes the services whose lease has run out, a bounded number a call.
    public func expire(by actor: String? = nil) async throws(StateError) -> [ServiceID] {
        let arguments = [RedisWord(Self.expiredMax), RedisWord(actor ?? self.actor)]
        var reply = try await self.call("services_expire", arguments)
        return reply.rest().compactMap { $0.string.flatMap { ServiceID($0) } }
    }

    /// One service as the store has it now; nil when there is none.
    public func service(_ id: ServiceID) async throws(StateError) -> Service? {
        let key = RecordKey(.service, id.text)
        let value = try await self.send(["HGETALL", RedisWord(self.keys.record(key))])
        let fields = ReplyReader.dictionary((value.array ?? []).map { $0.string ?? "" }[...])
        guard !fields.isEmpty else { return nil }
        do throws(RecordError) {
            return try ServiceRecord.decode(id: id.text, fields: fields).service
        } catch {
            throw StateError(.unreadable, "the record \(key) \(error)")
        }
    }

    private static let expiredMax: Int64 = 100

    private func change(
        _ function: String,
        _ id: ServiceID,
        _ floor: Epoch,
        _ condition: String,
        _ actor: String?,
        _ fields: [(field: ServiceRecord.Field, value: String)]
    ) async throws(StateError) -> Committed {
        let head = [id.text, floor.description, condition, actor ?? self.actor]
        let arguments = head + fields.flatMap { [$0.field.rawValue, $0.value] }
        var (reply, durability) = try await self.commit(function, arguments.map { RedisWord($0) })
        let status = try reply.text()
        try self.checkDone(status, id)
        return try self.committed(id, status, &reply, durability)
    }

    /// The service that follows the status of a change.
    func committed(
        _ id: ServiceID,
        _ status: String,
        _ reply: inout ReplyReader,
        _ durability: Durability?
    ) throws(StateError) -> Committed {
        let epoch = try reply.epoch()
        let previous = Int64(try reply.text()).map { Epoch($0) }
        let record = RegistryRecord(key: RecordKey(.service, id.text), stamp: epoch, fields: try reply.fields())
        guard let change = Committed.Change(rawValue: status), case .service(let service, _) = record.content else {
            throw StateError(.unreadable, "a change of \(id) answered \(status) with a record that cannot be read")
        }
        let entry = previous.map { LogEntry(epoch: epoch, previous: $0, record: record) }
        return Committed(service: service, change: change, epoch: epoch, entry: entry, durability: durability)
    }

    private func checkDone(_ status: String, _ id: ServiceID) throws(StateError) {
        switch status {
        case "absent": throw StateError(.notFound, "there is no service \(id)")
        case "conflict": throw StateError(.conflict, "the service \(id) is not as expected")
        default: break
        }
    }
}
