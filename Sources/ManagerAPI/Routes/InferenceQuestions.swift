internal import Gateway
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Registry

/// What only a model's own server knows, where it speaks the Open Inference Protocol: asked of one instance of the version
/// that would get a request now, of another one when that fails.
///
/// Nothing is kept: clients ask seldom, and what they are told of is what serves. The questions are no traffic: they take
/// no permit and count for nothing.
struct InferenceQuestions: Sendable {
    /// The last segments of the path.
    enum Subject: String, Hashable, Sendable, CaseIterable {
        case metadata = ""
        case config = "/config"
        case statistics = "/stats"
    }

    /// An instance's answer, 4xx included.
    struct Answer: Sendable {
        var instance: InstanceKey
        var version: ModelVersion
        var upstream: UpstreamAnswer
    }

    let ports: FacePorts
    let knowledge: Knowledge

    static let instancesMax = 3
    static let timeout = Duration.seconds(5)
    static let answerBytesMax = 1024 * 1024

    /// Nil when no service of the version speaks the protocol.
    func ask(_ subject: Subject, of type: ModelType, _ version: ModelVersion, _ call: Call) async throws -> Answer? {
        let instances = try self.instances(of: type, version)
        guard let instances else { return nil }
        var last: Answer?
        var attempts: [Problem.Attempt] = []
        for (service, key) in instances.prefix(Self.instancesMax) {
            let began = self.ports.clocks.monotonic()
            let question = Self.question(subject, service.definition, key, version, call)
            let outcome: String
            do throws(UpstreamFailure) {
                let upstream = try await self.ports.traffic.call(question)
                let answer = Answer(instance: key, version: version, upstream: upstream)
                if upstream.status < 500 { return answer }
                last = answer
                outcome = "status_\(upstream.status)"
            } catch {
                outcome = error.kind.rawValue
            }
            let took = (self.ports.clocks.monotonic() - began).inNanoseconds / 1_000_000
            attempts.append(.init(service: key.service, url: key.url, outcome: outcome, milliseconds: took))
        }
        if let last { return last }
        guard attempts.isEmpty else {
            throw Problem(.upstreamUnreachable, "no instance of \(type), version \(version), told", attempts: attempts)
        }
        throw Problem(.noHealthyService, "no healthy service for model_type \(type), version \(version)", retryAfter: 1)
    }

    /// As the instance says it, with the names that every answer of an instance carries. An error that it does not call
    /// `error`, as clients of the protocol expect, is said so.
    static func response(_ answer: Answer, body: ByteBuffer? = nil) -> Response {
        let isForeign = answer.upstream.status >= 400 && Self.error(in: answer.upstream.body)?["error"]?.asString == nil
        let body = isForeign ? Self.reworded(answer.upstream.body) : body
        let told = answer.upstream.headers.first { $0.name.lowercased() == "content-type" }?.value
        let type = isForeign ? nil : told
        return Response(
            status: .init(code: answer.upstream.status),
            headers: [
                .contentType: type ?? "application/json", .managerService: answer.instance.service.text,
                .managerInstance: answer.instance.url.description, .managerModelVersion: answer.version.text,
                .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
            ],
            body: .init(byteBuffer: body ?? answer.upstream.body)
        )
    }

    private static func error(in body: ByteBuffer) -> JSONValue? {
        try? JSONValue.parse(Array(body.readableBytesView))
    }

    private static func reworded(_ body: ByteBuffer) -> ByteBuffer {
        let error: JSONValue = ["error": .string(ServiceErrorText.of(Array(body.readableBytesView)))]
        return ByteBuffer(string: error.serialized())
    }

    /// Those that would get a request now. Nil when no service of the version speaks the protocol.
    private func instances(of type: ModelType, _ version: ModelVersion) throws -> [(Service, InstanceKey)]? {
        let snapshot = try self.knowledge.snapshot()
        let ids = snapshot.models[type]?.versions[version] ?? []
        guard ids.contains(where: { snapshot[$0]?.definition.wireProtocol == .oip }) else { return nil }
        let explanation = self.ports.traffic.explain(modelType: type, version: version, capability: "prediction")
        return explanation.candidates.filter(\.eligible).compactMap { candidate in
            guard let service = snapshot[candidate.key.service], service.definition.wireProtocol == .oip else {
                return nil
            }
            return (service, candidate.key)
        }
    }

    private static func question(
        _ subject: Subject,
        _ service: ServiceDefinition,
        _ key: InstanceKey,
        _ version: ModelVersion,
        _ call: Call
    ) -> UpstreamCall {
        let named = version == .unnamed ? "" : "/versions/\(version)"
        let path = "\(key.url.pathPrefix)/v2/models/\(service.modelType)\(named)\(subject.rawValue)"
        var question = UpstreamCall(
            url: key.url,
            path: path,
            timeout: min(service.timeout ?? Self.timeout, Self.timeout)
        )
        question.origin = service.url
        question.headers = [("accept", "application/json"), ("x-request-id", call.requestID)]
        if service.forwardsAuthorization, let credential = call.request.headers[.authorization] {
            question.headers.append(("authorization", credential))
        }
        question.answerBytesMax = Self.answerBytesMax
        return question
    }
}
