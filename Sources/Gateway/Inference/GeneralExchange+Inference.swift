internal import NIOCore
internal import Registry

/// Requests of the Open Inference Protocol, which come through the general door alone.
extension GeneralExchange {
    /// The image is complete. Instances that speak the protocol get the body, JSON or binary, as it came; what they answer
    /// goes back as it comes, errors under `error`.
    func begin(_ order: InferenceOrder, _ headers: [(name: String, value: String)], now: Instant) throws(Refusal) {
        let pool = try RequestPlan.pool(
            of: order.modelType,
            order.version,
            .inference,
            for: self.exchange.options,
            in: self.plane.table
        )
        let encoding = headers.first { $0.name.lowercased() == "content-encoding" }?.value.lowercased()
        guard pool.key.capability == .inference else {
            guard encoding == nil else {
                throw Refusal(Problem(.unsupportedMediaType, "a native model takes no body in a content-encoding"))
            }
            let length = headers.first { $0.name.lowercased() == "inference-header-content-length" }
            let jsonBytes = length.map { Int($0.value) ?? -1 }
            return self.exchange.beginTranslated(pool, order, jsonBytes: jsonBytes, for: self.translationCaller)
        }
        if let encoding { try self.restore(encoding) }
        self.exchange.order = order
        let answer = TranslatedAnswer(self.translationCaller, self.exchange, to: .untranslated)
        let sink = ShadowTap.sink(answer, self.exchange, to: pool, in: self.plane.table)
        self.exchange.begin(pool, sink: sink, now: now)
    }

    /// The common form knows no compressed bodies; a server of the protocol may.
    private func restore(_ encoding: String) throws(Refusal) {
        guard ["gzip", "deflate", "br", "zstd", "identity"].contains(encoding) else {
            throw Refusal(Problem(.unsupportedMediaType, "the content-encoding of the body is not passed on"))
        }
        self.exchange.image = RequestImage(self.exchange.image, encoding: encoding)
    }
}
