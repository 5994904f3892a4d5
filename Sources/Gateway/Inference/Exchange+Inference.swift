internal import Decisions
internal import NIOCore
internal import Registry

/// Requests whose caller and instances speak different protocols, and those of the Open Inference Protocol.
extension Exchange {
    /// Who gets the answer of a translated request. All on the exchange's event loop.
    struct TranslationCaller {
        var sink: AnswerSink
        /// False: the caller is no more, and nothing must be begun or told.
        var isWanted: () -> Bool
        /// Instead of anything else, when nothing can be sent.
        var refuse: (Refusal) -> Void
        /// Whether a shadow may get a copy.
        var isCopied = true
    }

    private struct Translated: Sendable {
        var body: [UInt8]
        var order: InferenceOrder
        var language: TranslatedAnswer.Language
    }

    /// The request line of anything but a native prediction.
    func otherHead(of member: RouteMember) -> [UInt8] {
        self.capability == .training ? member.trainHead : member.inferenceHead(self.order?.action ?? .infer)
    }

    /// A native request for a pool that speaks the Open Inference Protocol. The image is complete and native.
    ///
    /// May have to ask first what the model's input is called, or to wait for a thread; begins only if the caller is still
    /// there then. What cannot be translated is refused before anything was sent.
    func beginTranslated(_ pool: RoutePool, for caller: TranslationCaller) {
        let now = MonotonicClock.now()
        let serial = self.plane.tableSerial
        let first = self.plane.view(of: pool).picks.eligible.first ?? 0
        self.plane.inputs.find(pool.members[first], self.plane, now: now) { input in
            guard caller.isWanted() else { return }
            let (id, type) = (self.image.requestIDText, pool.key.modelType)
            self.translate(pool, caller, plannedBy: serial) { body throws(Refusal) in
                try Self.inference(of: body, type, input, id: id)
            } again: {
                self.beginTranslated($0, for: caller)
            }
        }
    }

    /// A request of the Open Inference Protocol for a pool of native services. The image is complete and as it came.
    /// `jsonBytes` of its body are JSON, all of them if nil; tensors in binary follow.
    func beginTranslated(
        _ pool: RoutePool,
        _ order: InferenceOrder,
        jsonBytes: Int?,
        for caller: TranslationCaller
    ) {
        let (type, version) = (pool.key.modelType, pool.key.version)
        guard order.action == .infer else {
            let name = "model_type \(type), version \(version)"
            return caller.refuse(
                Refusal(
                    Problem(
                        .capabilityMismatch,
                        "no service of \(name) speaks the protocol that has \(order.action.rawValue)"
                    )
                )
            )
        }
        self.translate(pool, caller, plannedBy: self.plane.tableSerial) { body throws(Refusal) in
            try Self.native(of: body, jsonBytes: jsonBytes, order, type, version)
        } again: {
            self.beginTranslated($0, order, jsonBytes: jsonBytes, for: caller)
        }
    }

    /// Translates the body of the image and begins. A switch that came meanwhile holds for the request: it is planned and
    /// translated again when another pool serves it now.
    private func translate(
        _ pool: RoutePool,
        _ caller: TranslationCaller,
        plannedBy serial: Int,
        _ work: @escaping @Sendable ([UInt8]) throws(Refusal) -> Translated,
        again: @escaping (RoutePool) -> Void
    ) {
        let (image, planned) = (self.image, pool.key)
        let body = image.buffer.getBytes(at: image.bodyStart, length: image.bodyBytes) ?? []
        self.plane.translations.run(body, on: self.plane.loop, work) { result in
            guard caller.isWanted() else { return }
            do throws(Refusal) {
                let translated = try result.get()
                let pool = try self.replanned(pool, translated.order, plannedBy: serial)
                guard pool.key == planned else { return again(pool) }
                self.image = RequestImage(self.image, json: translated.body)
                self.order = translated.order
                let answer = TranslatedAnswer(caller, self, to: translated.language)
                let sink =
                    caller.isCopied ? ShadowTap.sink(answer, self, to: pool, in: self.plane.table) : answer
                self.begin(pool, sink: sink, now: MonotonicClock.now())
            } catch {
                caller.refuse(error)
            }
        }
    }

    /// The pool that a new request would go to by now.
    private func replanned(
        _ pool: RoutePool,
        _ order: InferenceOrder,
        plannedBy serial: Int
    ) throws(Refusal) -> RoutePool {
        self.plane.refresh()
        guard self.plane.tableSerial != serial, !self.options.isCopy else { return pool }
        let planned = try RequestPlan.pool(
            of: order.modelType,
            order.version,
            pool.key.capability,
            for: self.options,
            in: self.plane.table
        )
        guard planned.key.capability == pool.key.capability else {
            let message = "the request was overtaken by a switch to services of another protocol"
            throw Refusal(Problem(.noHealthyService, message, retryAfter: 1))
        }
        return planned
    }

    // MARK: Bodies

    private static func inference(
        of body: [UInt8],
        _ type: ModelType,
        _ input: InferenceInput,
        id: String
    ) throws(Refusal) -> Translated {
        let native = try self.json(body)
        do throws(TensorFault) {
            let inference = try InferenceTranslation.inferenceRequest(from: native, input: input, id: id)
            let version = native["model_version"]?.asString.flatMap { ModelVersion($0) }
            return Translated(
                body: Array(inference.serialized().utf8),
                order: InferenceOrder(modelType: type, version: version),
                language: .native
            )
        } catch {
            throw .member("data", error.message, type: "value_error")
        }
    }

    private static func native(
        of body: [UInt8],
        jsonBytes: Int?,
        _ order: InferenceOrder,
        _ type: ModelType,
        _ version: ModelVersion
    ) throws(Refusal) -> Translated {
        let end = jsonBytes ?? body.count
        guard (0...body.count).contains(end) else {
            throw Refusal(Problem(.invalidRequest, "inference-header-content-length is more than the body has"))
        }
        let inference = try self.json(end == body.count ? body : Array(body[..<end]))
        do throws(TensorFault) {
            let native = try InferenceTranslation.nativeRequest(
                from: inference,
                raw: body[end...],
                modelType: type,
                version: version
            )
            return Translated(
                body: Array(native.serialized().utf8),
                order: order,
                language: .inference(id: inference["id"]?.asString)
            )
        } catch {
            throw .member("inputs", error.message, type: "value_error")
        }
    }

    private static func json(_ body: [UInt8]) throws(Refusal) -> JSONValue {
        do throws(JSONProblem) {
            return try JSONValue.parse(body)
        } catch {
            throw Refusal(Problem(.invalidRequest, "the body is not valid JSON: \(error)"))
        }
    }
}
