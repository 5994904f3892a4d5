import ManagerTesting
import NIOCore
import Synchronization

/// Counts what one replica does to the world (commands that write, requests to services), and kills it at one of these
/// steps: just before it takes effect, or just after, when nobody hears what came of it.
///
/// Stands before the replica's Redis, and in its data plane. From the kill on nothing of it reaches anybody.
final class KillSwitch: ChaosGate {
    enum Moment: String, CaseIterable, Sendable { case before, after }

    /// The `ordinal`th effect of the name.
    struct Place: Hashable, Sendable, CustomStringConvertible {
        var name: String
        var ordinal: Int
        var moment: Moment
        var description: String { "\(self.moment) \(self.name) #\(self.ordinal)" }
    }

    enum Fate { case lives, diesBefore, diesAfter, isDead }

    private struct State {
        var effects: [String] = []
        var isDead = false
    }

    private let place: Place?
    private let state = Mutex(State())

    init(at place: Place?) {
        self.place = place
    }

    var isDead: Bool { self.state.withLock { $0.isDead } }

    /// Every place there was.
    var places: [Place] {
        let effects = self.state.withLock { $0.effects }
        return effects.indices.flatMap { index in
            let ordinal = effects[...index].count { $0 == effects[index] }
            return Moment.allCases.map { Place(name: effects[index], ordinal: ordinal, moment: $0) }
        }
    }

    func enter(_ name: String) -> Fate {
        self.state.withLock { state in
            if state.isDead { return .isDead }
            state.effects.append(name)
            guard let place, place.name == name, place.ordinal == state.effects.count(where: { $0 == name }) else {
                return .lives
            }
            state.isDead = true
            return place.moment == .before ? .diesBefore : .diesAfter
        }
    }

    // MARK: Before Redis

    func pass(_ said: inout ByteBuffer) -> (onward: ByteBuffer, ends: Bool) {
        if self.isDead { return (ByteBuffer(), true) }
        var onward = ByteBuffer()
        while let (words, bytes) = Self.command(&said) {
            switch self.effect(words).map({ self.enter($0) }) ?? .lives {
            case .lives: onward.writeImmutableBuffer(bytes)
            case .diesAfter:
                onward.writeImmutableBuffer(bytes)
                return (onward, true)
            case .diesBefore, .isDead: return (onward, true)
            }
        }
        return (onward, false)
    }

    private static let writes = [
        "model_deploy", "deployment_note", "model_switch", "rollout_step", "model_retire", "model_mark", "job_submit",
        "job_claim", "job_send", "job_note", "job_release", "job_end", "model_offer", "evaluation_submit",
    ]

    /// Nil of what reads, and of what is repeated by the clock: a look for jobs where there are none, a sign of life.
    private func effect(_ words: [String]) -> String? {
        guard words.first == "FCALL", words.count > 3 else { return nil }
        guard let name = Self.writes.first(where: { words[1].hasSuffix("_\($0)") }) else { return nil }
        switch name {
        case "job_note": return words[6].isEmpty ? nil : "job_note \(words[6])"
        case "job_claim":
            let isFirst = self.state.withLock { $0.effects.contains("job_submit") && !$0.effects.contains(name) }
            return isFirst ? name : nil
        case "rollout_step": return "rollout_step \(words[10])"
        default: return name
        }
    }

    /// The next whole command, `*2\r\n$3\r\nGET\r\n$1\r\nk\r\n`, with its bytes; nil when there is none.
    private static func command(_ said: inout ByteBuffer) -> (words: [String], bytes: ByteBuffer)? {
        var reader = said
        guard let count = self.number(&reader, after: "*") else { return nil }
        var words: [String] = []
        for _ in 0..<count {
            guard let length = self.number(&reader, after: "$"), let word = reader.readString(length: length),
                reader.readSlice(length: 2) != nil
            else { return nil }
            words.append(word)
        }
        return said.readSlice(length: said.readableBytes - reader.readableBytes).map { (words, $0) }
    }

    private static func number(_ reader: inout ByteBuffer, after sign: Character) -> Int? {
        guard let end = reader.readableBytesView.firstIndex(of: UInt8(ascii: "\r")),
            let line = reader.readString(length: end - reader.readerIndex), line.first == sign,
            reader.readSlice(length: 2) != nil
        else { return nil }
        return Int(line.dropFirst())
    }
}
