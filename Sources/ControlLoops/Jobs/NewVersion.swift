internal import ClusterState
internal import Decisions
internal import Gateway
internal import NIOCore
internal import Registry

/// What becomes of a version that a job made: it is offered by its trainer, and tested if the job's caller wants that.
///
/// A native trainer keeps what it trained, and serves it when it is named to it. So the trainer is written down as one
/// that has the version, once it says that it is ready: the version goes when the trainer goes, and both share its limit.
/// Only where a trainer's name has several addresses, and one of them trained, a service of its own is registered there.
/// All of it can be done again: a job whose runner dies in between is taken over, and its next runner repeats it.
struct NewVersion: Sendable {
    let job: Job
    let version: ModelVersion
    let desk: JobDesk

    /// Loading takes as long as a deployment may.
    private static let loadTimeout = Duration.seconds(60)

    /// What people should know of it; nil when there is nothing to say.
    func settle() async -> String? {
        do throws(Hindrance) {
            try await self.offer()
            try await self.test()
            return nil
        } catch {
            return error.sentence
        }
    }

    private struct Hindrance: Error {
        let sentence: String
    }

    // MARK: Offering

    private func offer() async throws(Hindrance) {
        let snapshot = self.desk.snapshot()
        guard snapshot.models[self.job.modelType]?.versions[self.version] == nil else { return }
        guard let id = self.job.service, let url = self.job.url, let trainer = snapshot[id]?.definition else {
            throw Hindrance(sentence: "its trainer is not registered any more: register what serves \(self.version)")
        }
        try await self.confirm(at: url)
        if url == trainer.url {
            try await self.offer(at: id, floor: snapshot.epoch)
        } else {
            try await self.register(like: trainer, at: url, floor: snapshot.epoch)
        }
    }

    private func offer(at trainer: ServiceID, floor: Epoch) async throws(Hindrance) {
        let reply: ModelReply
        do throws(StateError) {
            reply = try await self.desk.untilStored(self.job.id) { state throws(StateError) in
                try await state.offerVersion(self.version, of: self.job.modelType, at: trainer, floor: floor)
            }
        } catch {
            throw Hindrance(sentence: "\(self.version) could not be offered: \(error)")
        }
        guard case .refused(let refusal) = reply else { return }
        throw Hindrance(sentence: "\(self.version) is not offered: \(refusal)")
    }

    private func register(
        like trainer: ServiceDefinition,
        at url: ServiceURL,
        floor: Epoch
    ) async throws(Hindrance) {
        guard let definition = self.definition(like: trainer, at: url) else {
            throw Hindrance(
                sentence: "\(trainer.id).\(self.version) is no name for a service: register \(self.version)"
            )
        }
        do throws(StateError) {
            _ = try await self.desk.untilStored(self.job.id) { state throws(StateError) in
                try await state.register(definition, source: .api, floor: floor)
            }
        } catch {
            throw Hindrance(sentence: "\(self.version) could not be registered: \(error)")
        }
    }

    /// The trainer says that it serves the version, perhaps after loading it.
    private func confirm(at url: ServiceURL) async throws(Hindrance) {
        let list = await self.ask("GET", "/models", at: url, within: self.desk.timeout)
        let versions = list?.body?["versions"]?.asArray ?? []
        guard let line = versions.first(where: { $0["version"]?.asString == self.version.text }) else {
            let why = "the trainer's GET /models does not name \(self.version): register what serves it"
            throw Hindrance(sentence: why)
        }
        if ["ready", "serving", "loaded"].contains(line["state"]?.asString ?? "ready") { return }
        let path = "/models/\(self.version)/load"
        let status = await self.ask("POST", path, at: url, within: Self.loadTimeout)?.status ?? 0
        guard (200..<300).contains(status), status != 202 else {
            throw Hindrance(sentence: "the trainer did not load \(self.version) (\(status)): register what serves it")
        }
    }

    private func definition(like trainer: ServiceDefinition, at url: ServiceURL) -> ServiceDefinition? {
        guard let id = ServiceID("\(trainer.id).\(self.version)") else { return nil }
        var definition = trainer
        definition.id = id
        definition.url = url
        definition.modelVersion = self.version
        // Its trainings are those of its trainer, which are counted there.
        definition.capabilities = trainer.capabilities.filter { $0 != "training" && !$0.hasSuffix("_training") }
        definition.discovery = .static
        definition.lease = nil
        definition.metadata["trained_by"] = self.job.id.text
        return definition
    }

    private func ask(
        _ method: String,
        _ path: String,
        at url: ServiceURL,
        within limit: Duration
    ) async -> (status: Int, body: JSONValue?)? {
        var call = UpstreamCall(url: url, path: url.pathPrefix + path, timeout: limit)
        call.method = method
        call.headers = [("accept", "application/json")]
        call.answerBytesMax = TrainerCall.answerBytesMax
        guard let answer = try? await self.desk.port.call(call) else { return nil }
        return (answer.status, try? JSONValue.parse(Array(answer.body.readableBytesView)))
    }

    // MARK: Testing

    private func test() async throws(Hindrance) {
        guard let validation = self.job.validation else { return }
        let order = EvaluationOrder(
            id: EvaluationID(of: self.job.id),
            type: self.job.modelType,
            version: self.version,
            request: Array(validation.serialized().utf8)
        )
        let reply: EvaluationReply
        do throws(StateError) {
            reply = try await self.desk.untilStored(self.job.id) { state throws(StateError) in
                try await state.submitEvaluation(order)
            }
        } catch {
            throw Hindrance(sentence: "\(self.version) could not be sent to its test: \(error)")
        }
        switch reply {
        case .queued, .known: break
        case .full: throw Hindrance(sentence: "\(self.version) is not tested: too many tests wait")
        case .refused(let refusal): throw Hindrance(sentence: "\(self.version) is not tested: \(refusal)")
        }
    }
}
