public import Logging
public import NIOCore
public import NIOPosix
public import Registry

/// What the data plane tells of itself; synchronous, so that the request path cannot wait for anybody even by mistake.
/// Called on event loops: hand over and return.
public protocol DataPlaneNews: Sendable {
    func breakerMoved(_ key: InstanceKey, to phase: BreakerPhase, trips: Int)
}

/// Takes connections whose requests the strict parser leaves to NIO's HTTP decoder and the router.
public protocol GeneralDoor: Sendable {
    /// Adds HTTP handlers behind the door's own handler; called on the channel's loop, once per connection, when its
    /// first general request arrives. `responseEnded` must be called on the loop each time a response has been flushed.
    func open(behind channel: any Channel, responseEnded: @escaping @Sendable () -> Void) -> EventLoopFuture<Void>
}

/// The request path of one replica: listeners, event loops, upstream connections, balancing, failover, breakers.
public final class DataPlane: Sendable {
    public init(
        settings: DataPlaneSettings,
        group: MultiThreadedEventLoopGroup,
        news: any DataPlaneNews,
        logger: Logger
    ) {
        self.settings = settings
    }
    private let settings: DataPlaneSettings

    /// Binds the listener; returns the address it got.
    public func listen(host: String, port: Int, general: any GeneralDoor) async throws -> SocketAddress {
        throw Problem(.internalError, "being built")
    }

    /// Every loop routes by the snapshot from its next request on. Upstreams that stay keep their connections and state.
    public func apply(_ snapshot: RegistrySnapshot) {}

    /// What the probes found; ignored for an instance that no longer exists.
    public func setVerdict(_ verdict: Verdict, for key: InstanceKey) {}

    /// Serves a request of the general door: plan, attempts, failover, as on the fast path.
    public func exchange(_ request: GatewayRequest) async -> GatewayAnswer {
        GatewayAnswer(status: 500, headers: [], body: AsyncThrowingStream { $0.finish() })
    }

    /// One call of the manager's own.
    public func call(_ call: UpstreamCall) async throws(UpstreamFailure) -> UpstreamAnswer {
        throw UpstreamFailure(kind: .reset, detail: "being built")
    }

    public func statistics() async -> DataPlaneStatistics { DataPlaneStatistics() }

    public func states(of service: ServiceID) -> [InstanceState] { [] }

    public func explain(modelType: ModelType, version: ModelVersion, capability: String) -> Explanation {
        Explanation(candidates: [], wouldPick: nil, problem: nil)
    }

    /// Seconds since Redis was last heard from, for `x-mm-stale`; nil while it is in touch.
    public func setStale(since: Instant?) {}

    /// Every answer from now on closes its connection; everything is still served.
    public func beginDraining() {}

    /// Closes the listeners and idle connections.
    public func stopListening() async {}

    /// Waits for the requests in flight; the number that had to be cut when the time was up.
    public func finish(within grace: Duration) async -> Int { 0 }
}
