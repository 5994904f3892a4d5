public import Logging
public import NIOCore
public import NIOPosix
public import Registry
internal import Synchronization

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
///
/// A thin front: each event loop has a `LoopPlane` that does the work by itself; what they share is the `GateBoard`.
public final class DataPlane: Sendable {
    private let settings: DataPlaneSettings
    private let group: MultiThreadedEventLoopGroup
    let board: GateBoard
    private let connector: UpstreamConnector
    private let resolver: AddressResolver
    let planes: [LoopPlane]
    let queue: PermitQueue
    let desk: TicketDesk
    let jar = RetryJar()
    private let listener: Listener
    private let common = PlaneCommon()
    private let settled: SettledEpoch
    /// Which loop serves the next request of the general door, or call of the manager's own.
    private let turn = Atomic<Int>(0)

    public init(
        settings: DataPlaneSettings,
        group: MultiThreadedEventLoopGroup,
        news: any DataPlaneNews,
        logger: Logger
    ) {
        self.settings = settings
        self.group = group
        let loops = group.makeIterator().map { $0 }
        let desk = TicketDesk(localStart: settings.ticketStart, bell: ReserverBell())
        let queue = PermitQueue(limit: settings.queueLimit, bell: ReserverBell())
        let board = GateBoard(
            strategy: settings.strategy,
            policy: settings.breaker,
            laneCount: loops.count,
            news: news,
            desk: desk,
            sharesLimits: settings.sharesLimits
        )
        let connector = UpstreamConnector(
            hosts: settings.hosts,
            authorities: settings.authorities,
            connectTimeout: settings.connectTimeout,
            connectionsMax: settings.upstreamConnectionsMax
        )
        self.settled = SettledEpoch(loops: loops.count)
        self.board = board
        self.desk = desk
        self.queue = queue
        self.connector = connector
        self.resolver = AddressResolver(group: group)
        self.planes = loops.enumerated().map { [common, jar] index, loop in
            LoopPlane(
                index: index,
                loop: loop,
                settings: settings,
                board: board,
                connector: connector,
                jar: jar,
                queue: queue,
                common: common,
                logger: logger
            )
        }
        self.listener = Listener(planes: self.planes, connectionsMax: settings.connectionsMax)
        for plane in self.planes { plane.loop.execute { plane.start() } }
    }

    /// Binds the listener; returns the address it got.
    public func listen(host: String, port: Int, general: any GeneralDoor) async throws -> SocketAddress {
        let address = try await self.listener.listen(host: host, port: port, general: general, group: self.group)
        self.connector.listens(at: address)
        return address
    }

    /// Every loop routes by the snapshot from its next request on. Upstreams that stay keep their connections and state.
    public func apply(_ snapshot: RegistrySnapshot) {
        self.board.apply(snapshot)
        for plane in self.planes {
            plane.loop.execute { [settled] in
                plane.refresh()
                settled.passed(snapshot.epoch, loop: plane.index)
            }
        }
    }

    /// From now on requests and calls show these to services.
    public func setTokens(_ tokens: ServiceTokens) {
        self.board.setTokens(tokens)
        for plane in self.planes { plane.loop.execute { plane.refresh() } }
    }

    /// That every event loop routes by, with nothing left to begin by an older one.
    public var settledEpoch: Epoch { self.settled.epoch }

    /// Called on an event loop each time `settledEpoch` has risen; must not wait.
    public func onSettled(_ handler: @escaping @Sendable (Epoch) -> Void) {
        self.settled.onRise(handler)
    }

    /// What callers got of each version.
    public func versionTraffic() async -> [VersionTraffic] {
        let meters = self.board.meters
        var traffic = meters.map { VersionTraffic(type: $0.key.modelType, version: $0.key.version) }
        for plane in self.planes {
            let sum = traffic
            let next = try? await plane.loop.submit {
                zip(meters, sum).map { meter, sum in sum.adding(meter.lanes[plane.index]) }
            }.get()
            traffic = next ?? traffic
        }
        return traffic
    }

    /// What callers got since the last call of this: each request is in one answer. `inFlight` is what it changed by.
    public func takeServed() async -> ServedTraffic {
        var served = ServedTraffic()
        for plane in self.planes {
            guard let news = try? await plane.loop.submit({ plane.takeServed() }).get() else { continue }
            served += news
        }
        return served
    }

    /// What the probes found; ignored for an instance that no longer exists.
    public func setVerdict(_ verdict: Verdict, for key: InstanceKey) {
        self.board.setVerdict(verdict, for: key)
    }

    /// Serves a request of the general door: plan, attempts, failover, as on the fast path.
    public func exchange(_ request: GatewayRequest) async -> GatewayAnswer {
        let plane = self.nextPlane()
        let exchange = GeneralExchange(plane: plane)
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                plane.loop.execute { exchange.run(request, continuation) }
                // A cancellation before this line found nothing to cancel.
                if Task.isCancelled { plane.loop.execute { exchange.cancel() } }
            }
        } onCancel: {
            plane.loop.execute { exchange.cancel() }
        }
    }

    /// One call of the manager's own.
    public func call(_ call: UpstreamCall) async throws(UpstreamFailure) -> UpstreamAnswer {
        guard UpstreamCallReceiver.isWellFormed(call) else {
            throw UpstreamFailure(kind: .denied, detail: "the request has characters that would break its head")
        }
        let plane = self.nextPlane()
        var call = call
        if let token = self.board.token(for: call.origin ?? call.url) {
            // In the place of a caller's, which some calls carry.
            call.headers.removeAll { $0.name.lowercased() == "authorization" }
            call.headers.append(("authorization", "Bearer \(token)"))
        }
        let receiver = UpstreamCallReceiver(call, plane: plane)
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                plane.loop.execute { receiver.run { continuation.resume(returning: $0) } }
                // A cancellation before this line found nothing to cancel.
                if Task.isCancelled { plane.loop.execute { receiver.cancel() } }
            }
        } onCancel: {
            plane.loop.execute { receiver.cancel() }
        }
        return try result.get()
    }

    /// The addresses that the host of a service's URL stands for and that may be connected to, within the time.
    public func addresses(of url: ServiceURL, within limit: Duration) async throws(UpstreamFailure) -> [InstanceAddress]
    {
        if let reason = self.connector.judge.refuses(host: url.host) {
            throw UpstreamFailure(kind: .denied, detail: reason)
        }
        let found = try await self.resolver.addresses(of: url, within: limit)
        do {
            let allowed = try self.connector.judged(found, of: url)
            return allowed.compactMap { address in
                address.ipAddress.map { InstanceAddress(host: $0, port: address.port ?? url.port) }
            }
        } catch {
            throw UpstreamConnector.failure(error)
        }
    }

    public func statistics() async -> DataPlaneStatistics {
        var statistics = DataPlaneStatistics()
        for plane in self.planes {
            let sum = statistics
            let next = try? await plane.loop.submit {
                var added = sum
                plane.add(to: &added)
                return added
            }.get()
            statistics = next ?? statistics
        }
        self.board.add(to: &statistics)
        statistics.queueWaiting = self.queue.waiting
        return statistics
    }

    /// Requests under way, a twentieth of a second old at most; never waits.
    public var inFlight: Int {
        self.planes.reduce(0) { $0 + $1.inFlightSeen.load(ordering: .relaxed) }
    }

    /// Requests in flight at services that drain, of those that have any.
    public var drainingInFlight: [ServiceID: Int] { self.board.drainingInFlight }

    public func states(of service: ServiceID) -> [InstanceState] {
        let now = MonotonicClock.now()
        return self.board.upstreams(of: service).map { $0.state(now: now) }
            .sorted { $0.key.description < $1.key.description }
    }

    public func explain(modelType: ModelType, version: ModelVersion, capability: String) -> Explanation {
        Explainer(table: self.board.table, now: MonotonicClock.now())
            .explain(modelType: modelType, version: version, capability: capability)
    }

    /// Holds new requests back while this replica does not know what it missed.
    public var catchUpGate: CatchUpGate { self.common.gate }

    /// Seconds since Redis was last heard from, for `x-mm-stale`; nil while it is in touch.
    public func setStale(since: Instant?) {
        self.common.setStale(since: since)
    }

    /// Every answer from now on closes its connection; everything is still served.
    public func beginDraining() {
        self.common.drain()
    }

    /// Closes the listeners and idle connections.
    public func stopListening() async {
        self.common.drain()
        await self.listener.close()
        for plane in self.planes {
            _ = try? await plane.loop.submit { for client in plane.clients { client.quiesce() } }.get()
        }
    }

    /// Waits for the requests in flight; the number that had to be cut when the time was up or the task was cancelled.
    public func finish(within grace: Duration) async -> Int {
        let deadline = MonotonicClock.now() + grace
        while await self.busyRequests() > 0, MonotonicClock.now() < deadline, !Task.isCancelled {
            try? await Task.sleep(for: .milliseconds(20))
        }
        var cut = 0
        for plane in self.planes {
            cut += (try? await plane.loop.submit { plane.cutAll() }.get()) ?? 0
        }
        return cut
    }

    private func busyRequests() async -> Int {
        var busy = 0
        for plane in self.planes {
            busy += (try? await plane.loop.submit { plane.busyRequests }.get()) ?? 0
        }
        return busy
    }

    private func nextPlane() -> LoopPlane {
        let turn = self.turn.wrappingAdd(1, ordering: .relaxed).oldValue
        return self.planes[Int(UInt(bitPattern: turn) % UInt(self.planes.count))]
    }
}

extension VersionTraffic {
    fileprivate func adding(_ lane: VersionLane) -> VersionTraffic {
        var sum = self
        sum.requests += lane.requests
        sum.failures += lane.failures
        sum.latencyMicroseconds += lane.latencyMicroseconds
        sum.inFlight += lane.inFlight
        sum.shadow = sum.shadow + lane.shadow
        return sum
    }
}
