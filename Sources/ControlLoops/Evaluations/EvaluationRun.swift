internal import ClusterState
internal import Decisions
internal import Gateway
internal import NIOCore
internal import Registry

/// Makes one offline test: gets the samples, asks the version and its rival one sample after another, and judges.
///
/// The questions are the manager's own: they are not counted as traffic, trip no breaker, and go beside the limits of
/// the services, one at a time. So a test takes at most one place at an instance from nobody.
struct EvaluationRun: Sendable {
    private let order: EvaluationOrder
    private let desk: JobDesk
    private let inputs = EvaluationInputs()

    init(_ order: EvaluationOrder, desk: JobDesk) {
        self.order = order
        self.desk = desk
    }

    /// Nil when the stored request makes no sense.
    static func form(_ order: EvaluationOrder) -> EvaluationForm? {
        (try? JSONValue.parse(order.request)).flatMap { try? EvaluationForm.read($0, mayPromote: true) }
    }

    /// A test that could not be made.
    func failed(_ why: String) -> Evaluation {
        var evaluation = self.blank(Self.form(self.order))
        evaluation.error = why
        return evaluation
    }

    func run() async -> Evaluation {
        guard let form = Self.form(self.order) else { return self.failed("the stored request makes no sense") }
        var evaluation = self.blank(form)
        do throws(TrainerOrder.Failure) {
            let rival = try self.rival(form)
            evaluation.baseline = rival.map { Evaluation.Baseline(version: $0, value: nil) }
            let samples = try await self.samples(form.dataset, field: form.field)
            let tally = try await self.ask(samples, form, rival)
            tally.judge(&evaluation)
            if let validator = form.validator { try await self.validate(by: validator, tally, form, &evaluation) }
        } catch {
            evaluation.passed = false
            evaluation.error = error.sentence
        }
        evaluation.endedAt = self.desk.time.wall()
        return evaluation
    }

    private func blank(_ form: EvaluationForm?) -> Evaluation {
        var evaluation = Evaluation(
            id: self.order.id,
            metric: form?.metric ?? .mse,
            threshold: form?.threshold,
            endedAt: self.desk.time.wall()
        )
        evaluation.validator = form?.validator
        return evaluation
    }

    // MARK: What is tested

    /// What the version is held against now; nil: a threshold alone.
    private func rival(_ form: EvaluationForm) throws(TrainerOrder.Failure) -> ModelVersion? {
        guard let asked = form.rival else { return nil }
        let model = self.desk.snapshot().models[self.order.type]
        guard let version = model?.resolve(asked) else {
            throw Self.failure(.versionNotFound, "there is no version \(asked) to hold it against")
        }
        if version != self.order.version { return version }
        if form.threshold != nil { return nil }
        throw Self.failure(.validationError, "it would be held against itself, and there is no threshold")
    }

    private func samples(
        _ dataset: EvaluationDataset,
        field: String
    ) async throws(TrainerOrder.Failure) -> [EvaluationSample] {
        switch dataset {
        case .inline(let samples): return samples
        case .recording(let limit, let version):
            return try await self.recorded(limit, of: version, expecting: field)
        case .service(let source, let shape):
            var fetch = DataFetch(source: source, desk: self.desk)
            let data: DataFetch.Data
            do throws(DataFetch.Failure) {
                data = try await fetch.run()
            } catch {
                throw Self.failure(error.code, error.sentence)
            }
            guard case .table(let table) = data else {
                let why = "the data service's answer has more than \(DataFetch.limits): ask for less"
                throw Self.failure(.payloadTooLarge, why)
            }
            do throws(DataFault) {
                return try table.samples(shape)
            } catch {
                throw Self.failure(.upstreamInvalid, error.description)
            }
        }
    }

    /// What callers asked and got, the newest `limit` of them.
    private func recorded(
        _ limit: Int,
        of version: ModelVersion?,
        expecting field: String
    ) async throws(TrainerOrder.Failure) -> [EvaluationSample] {
        let all: [RecordedPrediction]
        do throws(StateError) {
            all = try await self.desk.state.recorded(of: self.order.type, atMost: Recording.limitMax)
        } catch {
            throw Self.failure(.storeUnavailable, "what was recorded could not be read: \(error)")
        }
        let samples = all.filter { version == nil || $0.version == version }.compactMap { $0.sample(expecting: field) }
        guard !samples.isEmpty else {
            let whose = version.map { "version \($0) of " } ?? ""
            let why = "no prediction of \(whose)\(self.order.type) is recorded with data and \(field)"
            throw Self.failure(.validationError, why)
        }
        return Array(samples.prefix(limit))
    }

    // MARK: Questions

    private func ask(
        _ samples: [EvaluationSample],
        _ form: EvaluationForm,
        _ rival: ModelVersion?
    ) async throws(TrainerOrder.Failure) -> EvaluationTally {
        var tally = EvaluationTally()
        let deadline = self.desk.time.now() + form.timeout
        for (place, sample) in samples.enumerated() {
            guard self.desk.time.now() < deadline, !Task.isCancelled else {
                throw Self.failure(.upstreamTimeout, "it did not end in time: \(place) of \(samples.count) samples")
            }
            let turn = Turn(place: place, field: form.field, deadline: deadline)
            let answer = try await self.predict(sample, self.order.version, turn)
            var other: EvaluationTally.Answer?
            if let rival { other = try await self.predict(sample, rival, turn) }
            tally.add(sample, answer, rival: other)
        }
        return tally
    }

    /// Which sample it is, what of the answers counts, and until when the whole test may take.
    private struct Turn {
        var place: Int
        var field: String
        var deadline: Instant
    }

    /// Asks the instances that are well in turn; what one cannot answer is asked of the next, while there is time.
    private func predict(
        _ sample: EvaluationSample,
        _ version: ModelVersion,
        _ turn: Turn
    ) async throws(TrainerOrder.Failure) -> EvaluationTally.Answer {
        let targets = self.targets(of: version)
        guard !targets.isEmpty else {
            throw Self.failure(.noHealthyService, "no service of version \(version) can be asked now")
        }
        var milliseconds = 0.0
        for step in 0..<targets.count {
            let target = targets[(turn.place + step) % targets.count]
            guard var question = await self.question(sample, target) else { continue }
            let began = self.desk.time.now()
            guard began < turn.deadline, !Task.isCancelled else { break }
            question.timeout = min(question.timeout, turn.deadline - began)
            let answer = try? await self.desk.port.call(question)
            milliseconds = Double((self.desk.time.now() - began).inNanoseconds) / 1e6
            guard let answer, answer.status < 500, answer.status != 429 else { continue }
            let prediction = (200..<300).contains(answer.status) ? target.prediction(in: answer, turn.field) : nil
            return EvaluationTally.Answer(prediction: prediction, milliseconds: milliseconds)
        }
        return EvaluationTally.Answer(prediction: nil, milliseconds: milliseconds)
    }

    private func targets(of version: ModelVersion) -> [EvaluationTarget] {
        let snapshot = self.desk.snapshot()
        let services = (snapshot.models[self.order.type]?.versions[version] ?? []).compactMap { snapshot[$0] }
        return services.filter { !$0.isDraining }.flatMap { service in
            let states = self.desk.instances(of: service).filter { $0.reasonToAvoid == nil }
            return states.map { state in
                EvaluationTarget(
                    url: state.key.url,
                    limit: service.definition.timeout ?? self.desk.timeout,
                    speaksInference: service.definition.wireProtocol == .oip,
                    type: self.order.type,
                    version: version,
                    predictPath: service.definition.predictPath(of: version)
                )
            }
        }
    }

    /// Nil when the sample cannot be said in the target's words.
    private func question(_ sample: EvaluationSample, _ target: EvaluationTarget) async -> UpstreamCall? {
        var input = InferenceInput.unknown
        if target.speaksInference { input = await self.inputs.find(target, by: self.desk) }
        guard let body = target.body(for: sample, input) else { return nil }
        return Self.post(target.path, body, to: target.url, target.limit, version: target.version)
    }

    // MARK: A validation service

    /// Lets a service of kind `validation` have the last word on the numbers and predictions.
    private func validate(
        by id: ServiceID,
        _ tally: EvaluationTally,
        _ form: EvaluationForm,
        _ evaluation: inout Evaluation
    ) async throws(TrainerOrder.Failure) {
        guard let service = self.desk.snapshot()[id], service.definition.kind == .validation else {
            throw Self.failure(.serviceNotFound, "there is no service \(id) of kind validation")
        }
        let order = ValidatorOrder(order: self.order, evaluation: evaluation, tally: tally)
        var last = "no instance of it is well"
        for state in self.desk.instances(of: service) where state.reasonToAvoid == nil {
            let limit = service.definition.timeout ?? self.desk.timeout
            let call = Self.post("/validate", order.json, to: state.key.url, limit)
            guard let answer = try? await self.desk.port.call(call) else {
                last = "\(state.key.url) did not answer"
                continue
            }
            let body = try? JSONValue.parse(Array(answer.body.readableBytesView))
            guard answer.status == 200, let body, let passed = body["passed"]?.asBool else {
                last = "\(state.key.url) answered \(answer.status) without a member passed"
                continue
            }
            return ValidatorOrder.note(body, passed: passed, in: &evaluation)
        }
        throw Self.failure(.upstreamUnreachable, "the validation service \(id) gave no verdict: \(last)")
    }

    private static func post(
        _ path: String,
        _ body: JSONValue,
        to url: ServiceURL,
        _ limit: Duration,
        version: ModelVersion? = nil
    ) -> UpstreamCall {
        var call = UpstreamCall(url: url, path: url.pathPrefix + path, timeout: limit)
        call.method = "POST"
        call.headers = [("content-type", "application/json"), ("accept", "application/json")]
        if let version { call.headers.append(("x-mm-model-version", version.text)) }
        call.body = ByteBuffer(string: body.serialized())
        call.answerBytesMax = TrainerCall.answerBytesMax
        return call
    }

    private static func failure(_ code: Problem.Code, _ sentence: String) -> TrainerOrder.Failure {
        TrainerOrder.Failure(code: code, sentence: sentence)
    }
}
