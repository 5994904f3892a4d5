import ControlLoops
import Gateway
import NIOCore
import Registry
import Synchronization

/// Native model services that load versions and train, and remember all that was asked of them.
final class KillServices: Sendable {
    struct State {
        /// `host version`.
        var loaded: Set<String> = []
        /// How often each idempotency key was seen.
        var seen: [String: Int] = [:]
        /// Of each training under way, how often it will say so yet.
        var left: [String: Int] = [:]
        var isFailing = false
        var asked: Int64 = 0
    }

    let state = Mutex(State())

    func answer(_ call: UpstreamCall) -> UpstreamAnswer {
        self.state.withLock { state in
            let words = call.path.split(separator: "/").map { String($0) }
            switch (call.method, words.first) {
            case ("POST", "models"):
                let one = "\(call.url.host) \(words[1])"
                if words[2] == "load" { state.loaded.insert(one) } else { state.loaded.remove(one) }
                // One tells when it is done, the other one wants to be watched.
                return FakeTrainers.answer(call.url.host == "a" ? 200 : 202)
            case ("GET", "models"):
                let versions = state.loaded.filter { $0.hasPrefix("\(call.url.host) ") }.map { $0.dropFirst(2) }
                let lines = versions.map { #"{"version":"\#($0)","state":"ready"}"# }.joined(separator: ",")
                return FakeTrainers.answer(200, #"{"versions":[\#(lines)]}"#)
            case ("POST", "train"):
                let key = call.headers.first { $0.name == "idempotency-key" }?.value ?? ""
                state.seen[key, default: 0] += 1
                state.left[key] = 2
                return FakeTrainers.answer(202, #"{"job_id":"\#(key)"}"#)
            case ("GET", let name?): return Self.told(call.path, name, &state)
            default: return FakeTrainers.answer(404)
            }
        }
    }

    private static func told(_ path: String, _ name: String, _ state: inout State) -> UpstreamAnswer {
        guard name != "train" else {
            let key = String(path.dropFirst("/train/".count))
            guard let left = state.left[key] else { return FakeTrainers.answer(404) }
            state.left[key] = max(0, left - 1)
            guard left == 0 else { return FakeTrainers.answer(200, #"{"status":"running"}"#) }
            state.loaded.formUnion(["a v2", "b v2"])
            return FakeTrainers.answer(200, #"{"status":"succeeded","model_version":"v2"}"#)
        }
        let key = String(path.dropFirst("/train?idempotency_key=".count))
        return state.left[key] == nil
            ? FakeTrainers.answer(404) : FakeTrainers.answer(200, #"{"job_id":"\#(key)"}"#)
    }
}

/// The services as one replica reaches them, until it is killed.
struct KillPort: TrafficPort, TrainerPort {
    let services: KillServices
    let kill: KillSwitch
    let holder: SnapshotHolder

    var settledEpoch: Epoch { self.holder.current.epoch }
    func states(of service: ServiceID) -> [InstanceState] { [] }

    /// Every caller of the new version fails where the world says so.
    func versionTraffic() async -> [VersionTraffic] {
        guard let type = ModelType("LSTM"), let version = ModelVersion("v2") else { return [] }
        var traffic = VersionTraffic(type: type, version: version)
        self.services.state.withLock { state in
            if state.isFailing { state.asked += 30 }
            (traffic.requests, traffic.failures) = (state.asked, state.asked)
        }
        return [traffic]
    }

    func call(_ call: UpstreamCall) async throws(UpstreamFailure) -> UpstreamAnswer {
        let isEffect = call.method != "GET"
        let fate = isEffect ? self.kill.enter("\(call.method) \(call.path) at \(call.url.host)") : .lives
        if case .lives = fate, !self.kill.isDead { return self.services.answer(call) }
        if case .diesAfter = fate { _ = self.services.answer(call) }
        // Nobody is there any more to hear it.
        let (never, _) = AsyncStream<Void>.makeStream()
        for await _ in never {}
        throw UpstreamFailure(kind: .reset, detail: "killed")
    }
}
