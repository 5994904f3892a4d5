import ControlLoops
import Gateway
import NIOCore
import Registry
import Synchronization

/// Stands for the data plane and the trainers and data services behind it: a script answers, all calls are written down.
final class FakeTrainers: TrainerPort {
    typealias Script = @Sendable (UpstreamCall) async throws -> UpstreamAnswer

    private struct State {
        var calls: [UpstreamCall] = []
        var verdicts: [ServiceID: Verdict] = [:]
    }

    private let script: Script
    private let state = Mutex(State())

    init(_ script: @escaping Script) {
        self.script = script
    }

    var calls: [UpstreamCall] { self.state.withLock { $0.calls } }

    /// `METHOD path` of every call.
    var lines: [String] { self.calls.map { "\($0.method) \($0.path)" } }

    func set(_ verdict: Verdict, of service: ServiceID) {
        self.state.withLock { $0.verdicts[service] = verdict }
    }

    func call(_ call: UpstreamCall) async throws(UpstreamFailure) -> UpstreamAnswer {
        self.state.withLock { $0.calls.append(call) }
        do {
            return try await self.script(call)
        } catch {
            throw error as? UpstreamFailure ?? UpstreamFailure(kind: .reset, detail: "\(error)")
        }
    }

    func states(of service: ServiceID) -> [InstanceState] {
        guard let verdict = self.state.withLock({ $0.verdicts[service] }),
            let url = try? ServiceURL("http://\(service):8000")
        else { return [] }
        var state = InstanceState(key: InstanceKey(service: service, url: url))
        state.verdict = verdict
        return [state]
    }

    static func answer(_ status: Int, _ body: String = "", headers: [(String, String)] = []) -> UpstreamAnswer {
        UpstreamAnswer(status: status, headers: headers, body: ByteBuffer(string: body))
    }
}
