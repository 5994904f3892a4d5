internal import Decisions
internal import NIOCore
internal import Registry

/// Remembers the answer to a request that is copied. When the caller has it all, the copy is sent.
///
/// Cost for the caller beside the tap's: of a small request only a reference is kept. A caller who leaves early gets no
/// copy made. Confined to its event loop.
final class ShadowTap: AnswerTap {
    private let exchange: Exchange
    private let copy: ShadowCopy

    /// The sink for a request that goes to the pool: the caller itself, unless the request is to be copied.
    @inline(__always)
    static func sink(_ caller: AnswerSink, _ exchange: Exchange, to pool: RoutePool, in table: RoutingTable)
        -> AnswerSink
    {
        guard table.hasShadows, let route = table.shadow(of: pool) else { return caller }
        return self.tapped(caller, exchange, route, pool)
    }

    private static func tapped(
        _ caller: AnswerSink,
        _ exchange: Exchange,
        _ route: ShadowRoute,
        _ pool: RoutePool
    ) -> AnswerSink {
        // What is generated is as long as it likes, and no two are alike.
        guard exchange.order.map({ $0.action == .infer }) ?? true else { return caller }
        let lane = route.pool.meter.lanes[exchange.plane.index]
        guard route.takesNext(lane) else { return caller }
        guard lane.copiesUnderWay < ShadowRoute.copiesMax, exchange.image.bodyBytes <= route.requestBytesMax(from: pool)
        else {
            lane.shadow.skipped += 1
            return caller
        }
        lane.copiesUnderWay += 1
        return ShadowTap(caller, exchange, route, lane, pool)
    }

    private init(
        _ caller: AnswerSink,
        _ exchange: Exchange,
        _ route: ShadowRoute,
        _ lane: VersionLane,
        _ pool: RoutePool
    ) {
        self.exchange = exchange
        self.copy = ShadowCopy(of: exchange.order, in: pool, to: route, lane: lane, plane: exchange.plane)
        super.init(caller, speaks: pool.key.capability)
        // A large image is given back before the exchange has ended.
        if exchange.image.isLarge { self.copy.image = exchange.image }
    }

    /// The copy begins in a turn of the event loop of its own, so that nothing of the caller's waits behind it. The image
    /// is taken before the caller's next request overwrites it.
    override func exchangeEnded() {
        let (copy, answer) = (self.copy, self.gathered.answer)
        if copy.image == nil { copy.image = self.exchange.image }
        self.caller.exchangeEnded()
        self.exchange.plane.loop.assumeIsolated().execute { copy.begin(comparedWith: answer) }
    }
}
