internal import Decisions
internal import Registry

/// Compares large answers on a thread, small ones are compared where they come.
///
/// Nobody waits for a comparison, and callers' bodies are translated by the same threads: so each event loop has one pair
/// there at a time, and callers wait for one at most. What waits here is bounded by the copies under way. Answers for
/// which the threads have no room count as not compared. Confined to its event loop.
final class ShadowComparer {
    /// Both answers together; what holds the loop for about 0.1 ms.
    static let loopBytesMax = 4 * 1024

    struct Pair: Sendable {
        var caller: ShadowAnswer
        var copy: ShadowAnswer
        var field: String

        var bytes: Int { self.caller.body.count + self.copy.body.count }
        var figures: ShadowFigures {
            ShadowComparison.figures(caller: self.caller, copy: self.copy, field: self.field)
        }

        fileprivate var withoutBodies: Pair {
            var pair = self
            (pair.caller.body, pair.copy.body) = ([], [])
            return pair
        }
    }

    private var waiting: [(pair: Pair, use: (ShadowFigures) -> Void)] = []
    private var isBusy = false

    func compare(_ pair: Pair, _ plane: LoopPlane, _ use: @escaping (ShadowFigures) -> Void) {
        self.waiting.append((pair, use))
        if !self.isBusy { self.goOn(plane) }
    }

    private func goOn(_ plane: LoopPlane) {
        self.isBusy = !self.waiting.isEmpty
        guard self.isBusy else { return }
        let (pair, use) = self.waiting.removeFirst()
        plane.translations.run(weighing: pair.bytes, above: Self.loopBytesMax, on: plane.loop) { () throws(Refusal) in
            pair.figures
        } _: { result in
            use((try? result.get()) ?? pair.withoutBodies.figures)
            self.goOn(plane)
        }
    }
}
