internal import Synchronization

/// An instance that counts how many requests it works on at once, and remembers the most; probes do not count.
public final class CrowdedStub: Sendable {
    private final class Crowd: Sendable {
        private let counts = Mutex((now: 0, most: 0, came: 0))

        var most: Int { self.counts.withLock { $0.most } }
        var came: Int { self.counts.withLock { $0.came } }

        func enter() {
            self.counts.withLock { counts in
                counts.now += 1
                counts.came += 1
                counts.most = max(counts.most, counts.now)
            }
        }

        func leave() {
            self.counts.withLock { $0.now -= 1 }
        }
    }

    public let stub: StubUpstream
    private let crowd: Crowd

    private init(stub: StubUpstream, crowd: Crowd) {
        self.stub = stub
        self.crowd = crowd
    }

    /// Each request takes so long, or until `stub.release()` when nothing is said.
    public static func start(pause: Duration? = nil, body: String = "{}") async throws -> CrowdedStub {
        let crowd = Crowd()
        let stub = try await StubUpstream.start { _, request in
            guard request.hasPrefix("POST") else { return [.send(StubUpstream.json("{}")), .next] }
            crowd.enter()
            let wait: StubUpstream.Step = pause.map { .pause($0) } ?? .hold
            return [wait, .tell { crowd.leave() }, .send(StubUpstream.json(body)), .next]
        }
        return CrowdedStub(stub: stub, crowd: crowd)
    }

    public var url: String { self.stub.url }
    public var most: Int { self.crowd.most }
    /// Requests so far.
    public var came: Int { self.crowd.came }
}
