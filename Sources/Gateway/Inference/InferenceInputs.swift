internal import Decisions
internal import NIOCore
internal import Registry

/// What the first inputs of models are called, as their servers say; asked for when a native caller first needs one.
///
/// A name is kept for a while and then asked for again; a server that does not tell is asked again sooner, and until then
/// its input goes by the usual name. Callers who need the same name at the same time wait for one question.
/// Confined to its event loop; at most `entriesMax` names are kept.
final class InferenceInputs {
    static let keptFor = Duration.seconds(60)
    static let keptWhenUnknown = Duration.seconds(5)
    static let entriesMax = 1024

    private struct Key: Hashable {
        var instance: InstanceKey
        var path: String
    }

    private struct Entry {
        var input: InferenceInput
        var until: Instant
    }

    private var known: [Key: Entry] = [:]
    private var waiting: [Key: [(InferenceInput) -> Void]] = [:]

    /// Calls back at once when it is known.
    func find(_ member: RouteMember, _ plane: LoopPlane, now: Instant, _ use: @escaping (InferenceInput) -> Void) {
        let key = Key(instance: member.upstream.key, path: member.inferencePath)
        if let entry = self.known[key], now < entry.until { return use(entry.input) }
        let isAsked = self.waiting[key] != nil
        self.waiting[key, default: []].append(use)
        if !isAsked { self.ask(key, plane) }
    }

    private func ask(_ key: Key, _ plane: LoopPlane) {
        let call = UpstreamCall(url: key.instance.url, path: key.path, timeout: plane.settings.inputAskTimeout)
        UpstreamCallReceiver(call, plane: plane).run { result in self.answered(key, result) }
    }

    private func answered(_ key: Key, _ result: Result<UpstreamAnswer, UpstreamFailure>) {
        let input = Self.input(in: result)
        let until = MonotonicClock.now() + (input == nil ? Self.keptWhenUnknown : Self.keptFor)
        if self.known.count >= Self.entriesMax { self.known = [:] }
        self.known[key] = Entry(input: input ?? .unknown, until: until)
        for use in self.waiting.removeValue(forKey: key) ?? [] { use(input ?? .unknown) }
    }

    /// Nil when the server did not say.
    private static func input(in result: Result<UpstreamAnswer, UpstreamFailure>) -> InferenceInput? {
        guard case .success(let answer) = result, answer.status == 200,
            let metadata = try? JSONValue.parse(Array(answer.body.readableBytesView))
        else { return nil }
        return InferenceInput(metadata: metadata)
    }
}
