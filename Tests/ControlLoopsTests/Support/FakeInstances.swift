import ControlLoops
import Gateway
import NIOCore
import Registry
import Synchronization

/// Stands for the data plane and the instances behind it: each answers as it is told, and all calls are written down.
final class FakeInstances: ProbePort {
    enum Behaviour: Sendable {
        case status(Int)
        case failure(UpstreamFailure.Kind)
        /// Never answers; ends when the call's task is cancelled.
        case hang
    }

    private struct State {
        var behaviours: [ServiceURL: Behaviour] = [:]
        var calls: [UpstreamCall] = []
        var inFlight: [ServiceURL: Int] = [:]
        var inFlightMost = 0
        var verdicts: [(verdict: Verdict, key: InstanceKey)] = []
    }

    private let state = Mutex(State())

    func set(_ behaviour: Behaviour, at url: ServiceURL) {
        self.state.withLock { $0.behaviours[url] = behaviour }
    }

    var calls: [UpstreamCall] { self.state.withLock { $0.calls } }
    func calls(of url: ServiceURL) -> Int { self.calls.count { $0.url == url } }
    /// The most probes that one instance had at one time.
    var inFlightMost: Int { self.state.withLock { $0.inFlightMost } }

    func verdict(of service: Service) -> Verdict? {
        self.state.withLock { state in state.verdicts.last { $0.key.service == service.id }?.verdict }
    }

    func call(_ call: UpstreamCall) async throws(UpstreamFailure) -> UpstreamAnswer {
        let behaviour = self.state.withLock { state in
            state.calls.append(call)
            state.inFlight[call.url, default: 0] += 1
            state.inFlightMost = max(state.inFlightMost, state.inFlight[call.url] ?? 0)
            return state.behaviours[call.url] ?? .status(200)
        }
        defer { self.state.withLock { $0.inFlight[call.url, default: 0] -= 1 } }
        switch behaviour {
        case .status(let status): return UpstreamAnswer(status: status, headers: [], body: ByteBuffer())
        case .failure(let kind): throw UpstreamFailure(kind: kind, detail: "told so")
        case .hang:
            let (never, _) = AsyncStream<Void>.makeStream()
            for await _ in never {}
            throw UpstreamFailure(kind: .timeout, detail: "cancelled")
        }
    }

    func setVerdict(_ verdict: Verdict, for key: InstanceKey) {
        self.state.withLock { $0.verdicts.append((verdict, key)) }
    }
}
