internal import Decisions
internal import Gateway
internal import NIOCore
internal import Registry
internal import Synchronization

/// What the inputs of the tested models are called, asked once for each instance of a test. A server that does not say is
/// asked again with the next sample, and until then its input goes by the usual name.
final class EvaluationInputs: Sendable {
    private let known = Mutex<[String: InferenceInput]>([:])
    private static let timeout = Duration.seconds(5)

    func find(_ target: EvaluationTarget, by desk: JobDesk) async -> InferenceInput {
        let path = target.url.pathPrefix + target.modelPath
        let key = "\(target.url.authority)\(path)"
        if let input = self.known.withLock({ $0[key] }) { return input }
        let question = UpstreamCall(url: target.url, path: path, timeout: min(target.limit, Self.timeout))
        guard let answer = try? await desk.port.call(question), answer.status == 200,
            let metadata = try? JSONValue.parse(Array(answer.body.readableBytesView))
        else { return .unknown }
        let input = InferenceInput(metadata: metadata)
        self.known.withLock { $0[key] = input }
        return input
    }
}
