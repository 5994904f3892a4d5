internal import Decisions
internal import Registry
internal import Synchronization

/// One instance as the data plane knows it; survives snapshots, so that connections, gate and counts do.
///
/// What differs between event loops stands in its lanes, one for each loop and touched by that loop alone.
final class Upstream: Sendable {
    let key: InstanceKey
    /// What the service is called: its host stands in `Host` and in TLS, though the key may name one address of it.
    let origin: ServiceURL
    let gate: InstanceGate
    let comeback: Comeback
    /// `POST <prefix>/train HTTP/1.1` and `host`, each with CRLF.
    let trainHead: [UInt8]
    let lanes: [UpstreamLane]
    /// Attempts under way, over all loops, and how many may be.
    let gauge = PermitGauge()
    private let retired = Atomic<Bool>(false)

    init(key: InstanceKey, origin: ServiceURL, policy: BreakerPolicy, laneCount: Int) {
        self.key = key
        self.origin = origin
        self.gate = InstanceGate(policy: policy, seed: StableHash.of(key.description))
        self.comeback = Comeback(window: policy.slowStartWindow)
        let host = "HTTP/1.1\r\nhost: \(origin.authority)\r\n"
        self.trainHead = Array("POST \(key.url.pathPrefix)/train \(host)".utf8)
        self.lanes = (0..<laneCount).map { _ in UpstreamLane() }
    }

    @inline(__always)
    var inFlight: Int { self.gauge.inFlight }

    /// No longer in the registry: its connections are not kept.
    var isRetired: Bool { self.retired.load(ordering: .relaxed) }

    func setRetired(_ isRetired: Bool) { self.retired.store(isRetired, ordering: .relaxed) }
}
