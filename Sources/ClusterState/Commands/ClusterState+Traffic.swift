internal import RedisClient
public import Registry

/// What became of a report of traffic.
public enum TrafficReply: String, Hashable, Sendable {
    case counted
    /// It had been counted before.
    case repeated
    /// The session is over; nothing was counted.
    case lapsed
}

extension ClusterState {
    /// Adds what a replica counted since its last report; `number` rises within the session, so that a report that is
    /// repeated counts once. The epoch is one that all of the replica's event loops used before it counted.
    public func reportTraffic(
        _ session: String,
        number: Int64,
        epoch: Epoch,
        _ reports: [VersionTraffic]
    ) async throws(StateError) -> TrafficReply {
        var arguments: [String] = [session, String(number), epoch.description, String(reports.count)]
        for report in reports {
            arguments += [report.type.text, report.version.text]
            arguments += [report.requests, report.failures, report.latencyMicroseconds].map { String($0) }
            arguments.append(String(report.inFlight))
        }
        for report in reports where report.shadow != ShadowFigures() {
            arguments += [report.type.text, report.version.text] + Self.words(of: report.shadow)
        }
        var reply = try await self.call("traffic_report", arguments.map { RedisWord($0) })
        let status = try reply.text()
        guard let known = TrafficReply(rawValue: status) else {
            throw StateError(.unreadable, "traffic_report answered \(status)")
        }
        return known
    }

    /// What the versions did since the last mark, and who holds requests of them.
    public func traffic(of type: ModelType, _ versions: [ModelVersion]) async throws(StateError) -> TrafficSight {
        let arguments = [type.text] + versions.map(\.text)
        var reply = try await self.call("traffic_counts", arguments.map { RedisWord($0) })
        let clock = try reply.integer()
        var counts: [ModelVersion: TrafficSight.Counts] = [:]
        for (version, item) in zip(versions, try reply.list()) {
            var row = try ReplyReader(item, of: "traffic_counts")
            _ = try row.text()
            counts[version] = TrafficSight.Counts(
                requests: try row.integer(),
                failures: try row.integer(),
                latencyMicroseconds: try row.integer()
            )
        }
        var holders: [TrafficSight.Holder] = []
        for item in try reply.list() { holders.append(try Self.holder(item, versions)) }
        return TrafficSight(leaseClock: clock, counts: counts, holders: holders)
    }

    /// So many versions are asked about in one call.
    private static let totalsAtOnce = 500

    /// What each of the versions did since it was first asked, in their order; unlike `traffic`, whatever was marked.
    public func trafficTotals(
        of versions: [(type: ModelType, version: ModelVersion)]
    ) async throws(StateError) -> [TrafficSight.Counts] {
        var totals: [TrafficSight.Counts] = []
        totals.reserveCapacity(versions.count)
        var rest = versions[...]
        while !rest.isEmpty {
            let part = rest.prefix(Self.totalsAtOnce)
            rest = rest.dropFirst(Self.totalsAtOnce)
            let names = part.flatMap { [$0.type.text, $0.version.text] }
            var reply = try await self.call("traffic_totals", names.map { RedisWord($0) })
            for _ in part {
                totals.append(
                    TrafficSight.Counts(
                        requests: try reply.integer(),
                        failures: try reply.integer(),
                        latencyMicroseconds: try reply.integer(),
                        lastMilliseconds: try reply.integer()
                    )
                )
            }
        }
        return totals
    }

    /// How the answers of a shadow compared with the callers', since it became one.
    public func shadowFigures(of type: ModelType, _ version: ModelVersion) async throws(StateError) -> ShadowFigures {
        var reply = try await self.call("traffic_shadow", [RedisWord(type.text), RedisWord(version.text)])
        var figures = ShadowFigures()
        figures.requests = try reply.integer()
        figures.skipped = try reply.integer()
        figures.failures = try reply.integer()
        figures.statusDiffers = try reply.integer()
        figures.compared = try reply.integer()
        figures.equal = try reply.integer()
        figures.latencyMicroseconds = try reply.integer()
        figures.callerLatencyMicroseconds = try reply.integer()
        figures.difference = Double(try reply.text()) ?? 0
        figures.magnitude = Double(try reply.text()) ?? 0
        return figures
    }

    private static func words(of figures: ShadowFigures) -> [String] {
        let counts: [Int64] = [
            figures.requests, figures.skipped, figures.failures, figures.statusDiffers, figures.compared, figures.equal,
            figures.latencyMicroseconds, figures.callerLatencyMicroseconds,
        ]
        let sums: [Double] = [figures.difference, figures.magnitude]
        return counts.map { String($0) } + sums.map { String($0) }
    }

    /// The live replicas that do not serve by the epoch yet.
    public func replicas(behind epoch: Epoch) async throws(StateError) -> [ReplicaBehind] {
        var reply = try await self.call("session_behind", [RedisWord(epoch.description)])
        var behind: [ReplicaBehind] = []
        for item in reply.rest() {
            var row = try ReplyReader(item, of: "session_behind")
            behind.append(
                ReplicaBehind(
                    replica: try row.text(),
                    epoch: try row.epoch(),
                    remaining: .milliseconds(try row.integer())
                )
            )
        }
        return behind
    }

    private static func holder(
        _ item: RedisValue,
        _ versions: [ModelVersion]
    ) throws(StateError) -> TrafficSight.Holder {
        var row = try ReplyReader(item, of: "traffic_counts")
        let (replica, epoch) = (try row.text(), try row.epoch())
        var inFlight: [ModelVersion: Int] = [:]
        for version in versions { inFlight[version] = Int(try row.integer()) }
        return TrafficSight.Holder(replica: replica, epoch: epoch, inFlight: inFlight)
    }
}
