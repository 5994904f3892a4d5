internal import NIOCore
internal import Registry

/// Requests of the Open Inference Protocol, which come through the general door alone.
extension GeneralExchange {
    /// The image is complete. Instances that speak the protocol get the body, JSON or binary, as it came.
    func begin(_ order: InferenceOrder, now: Instant) throws(Refusal) {
        let pool = try RequestPlan.pool(
            of: order.modelType,
            order.version,
            .inference,
            hashKey: self.exchange.options.hashKey,
            in: self.plane.table
        )
        guard pool.key.capability == .inference else {
            return try self.exchange.beginTranslated(pool, order, sink: self, now: now)
        }
        self.exchange.order = order
        self.exchange.begin(pool, sink: self, now: now)
    }
}
