internal import ClusterState
internal import Gateway
internal import Hummingbird
internal import NIOCore
internal import Registry

/// The statistics extension of the Open Inference Protocol: what servers have counted of their models, and where they do
/// not tell, what the manager has.
///
/// A server is asked for each version that one serves, a few at a time; those that are not reached in time are shown by
/// the manager's figures, so that one silent server does not hide all others. The manager's are sums over all replicas,
/// a second old, of what callers got, and so is the time of the last request; what only a server can know is zero in them.
struct InferenceStatistics: Sendable {
    typealias Version = (type: ModelType, version: ModelVersion)

    let ports: FacePorts
    let questions: InferenceQuestions

    static let questionsAtOnce = 8
    /// No server is asked any more after that.
    static let askedWithin = Duration.seconds(5)

    func response(of versions: [Version], _ call: Call) async throws -> Response {
        let totals = try await self.ports.models?.trafficTotals(of: versions) ?? []
        var told: [Int: [JSONValue]] = [:]
        let deadline = self.ports.clocks.monotonic() + Self.askedWithin
        await withTaskGroup(of: (Int, [JSONValue]?).self) { group in
            for (place, version) in versions.enumerated() {
                if place >= Self.questionsAtOnce, let (place, rows) = await group.next() { told[place] = rows }
                group.addTask {
                    guard self.ports.clocks.monotonic() < deadline else { return (place, nil) }
                    return (place, await self.rows(of: version, call))
                }
            }
            for await (place, rows) in group { told[place] = rows }
        }
        let rows = versions.enumerated().flatMap { place, version in
            told[place] ?? [Self.row(version, place < totals.count ? totals[place] : nil)]
        }
        return .json(["model_stats": .array(rows)])
    }

    /// Nil when no server tells.
    private func rows(of version: Version, _ call: Call) async -> [JSONValue]? {
        guard let answer = try? await self.questions.ask(.statistics, of: version.type, version.version, call),
            answer.upstream.status == 200,
            let told = try? JSONValue.parse(Array(answer.upstream.body.readableBytesView))
        else { return nil }
        return told["model_stats"]?.asArray
    }

    private static func row(_ version: Version, _ counts: TrafficSight.Counts?) -> JSONValue {
        let (requests, failures) = (counts?.requests ?? 0, counts?.failures ?? 0)
        func figures(_ count: Int64, _ microseconds: Int64) -> JSONValue {
            ["count": .integer(count), "ns": .integer(microseconds * 1000)]
        }
        let asked = figures(requests - failures, counts?.latencyMicroseconds ?? 0)
        let none = figures(0, 0)
        return [
            "name": .string(version.type.text), "version": .string(version.version.text),
            "last_inference": .integer(counts?.lastMilliseconds ?? 0),
            "inference_count": .integer(requests - failures), "execution_count": .integer(requests - failures),
            "inference_stats": [
                "success": asked, "fail": figures(failures, 0), "queue": none, "compute_input": none,
                "compute_infer": asked, "compute_output": none,
            ],
            "batch_stats": [],
        ]
    }
}
