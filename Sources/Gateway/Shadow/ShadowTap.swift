internal import Decisions
internal import NIOCore
internal import Registry

/// Chooses the requests that are copied for a shadow.
enum ShadowTap {
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
        let plane = exchange.plane
        let lane = route.pool.meter.lanes[plane.index]
        guard route.takesNext(lane) else { return caller }
        let bytes = exchange.image.bodyBytes
        guard lane.copiesUnderWay < ShadowRoute.copiesMax, bytes <= route.requestBytesMax(from: pool),
            let copy = plane.shadows.take(bytes, plane: plane)
        else {
            lane.shadow.skipped += 1
            return caller
        }
        copy.follow(exchange, for: caller, of: pool, to: route, lane: lane)
        return copy
    }
}
