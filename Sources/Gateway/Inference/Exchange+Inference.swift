internal import Decisions
internal import NIOCore
internal import Registry

/// Requests whose caller and instances speak different protocols, and those of the Open Inference Protocol.
extension Exchange {
    /// The request line of anything but a native prediction.
    func otherHead(of member: RouteMember) -> [UInt8] {
        self.capability == .training ? member.trainHead : member.inferenceHead(self.order?.action ?? .infer)
    }

    /// A native request for a pool that speaks the Open Inference Protocol. The image is complete and native.
    ///
    /// May have to ask first what the model's input is called; begins only if `isWanted` then. What cannot be translated
    /// is refused before anything was sent.
    func beginTranslated(
        _ pool: RoutePool,
        sink: AnswerSink,
        isWanted: @escaping () -> Bool,
        refuse: @escaping (Refusal) -> Void
    ) {
        let now = MonotonicClock.now()
        let first = self.plane.view(of: pool).picks.eligible.first ?? 0
        self.plane.inputs.find(pool.members[first], self.plane, now: now) { input in
            guard isWanted() else { return }
            do throws(Refusal) {
                let order = try self.translateToInference(input, pool)
                let translated = TranslatedAnswer(sink, self, to: .native)
                self.order = order
                self.begin(pool, sink: translated, now: MonotonicClock.now())
            } catch {
                refuse(error)
            }
        }
    }

    private func translateToInference(_ input: InferenceInput, _ pool: RoutePool) throws(Refusal) -> InferenceOrder {
        let native = try self.image.withBody { body throws(Refusal) in try Self.json(body) }
        do throws(TensorFault) {
            let id = self.image.requestIDText
            let body = try InferenceTranslation.inferenceRequest(from: native, input: input, id: id)
            self.image = RequestImage(self.image, json: Array(body.serialized().utf8))
        } catch {
            throw .member("data", error.message, type: "value_error")
        }
        let version = native["model_version"]?.asString.flatMap { ModelVersion($0) }
        return InferenceOrder(modelType: pool.key.modelType, version: version)
    }

    /// A request of the Open Inference Protocol for a pool of native services. The image is complete and as it came.
    /// `jsonBytes` of its body are JSON, all of them if nil; tensors in binary follow.
    func beginTranslated(
        _ pool: RoutePool,
        _ order: InferenceOrder,
        jsonBytes: Int?,
        sink: AnswerSink,
        now: Instant
    ) throws(Refusal) {
        guard order.action == .infer else {
            let name = "model_type \(pool.key.modelType), version \(pool.key.version)"
            throw Refusal(
                Problem(
                    .capabilityMismatch,
                    "no service of \(name) speaks the protocol that has \(order.action.rawValue)"
                )
            )
        }
        let (inference, raw) = try self.image.withBody { body throws(Refusal) in
            let end = jsonBytes ?? body.count
            guard (0...body.count).contains(end) else {
                throw Refusal(Problem(.invalidRequest, "inference-header-content-length is more than the body has"))
            }
            return (try Self.json(UnsafeRawBufferPointer(rebasing: body[..<end])), Array(body[end...]))
        }
        do throws(TensorFault) {
            let body = try InferenceTranslation.nativeRequest(
                from: inference,
                raw: raw[...],
                modelType: pool.key.modelType,
                version: pool.key.version
            )
            self.image = RequestImage(self.image, json: Array(body.serialized().utf8))
        } catch {
            throw .member("inputs", error.message, type: "value_error")
        }
        let sink = TranslatedAnswer(sink, self, to: .inference(id: inference["id"]?.asString))
        self.order = order
        self.begin(pool, sink: sink, now: now)
    }

    private static func json(_ body: UnsafeRawBufferPointer) throws(Refusal) -> JSONValue {
        do throws(JSONProblem) {
            return try JSONValue.parse(Array(body))
        } catch {
            throw Refusal(Problem(.invalidRequest, "the body is not valid JSON: \(error)"))
        }
    }
}
