/// What one event loop recorded, until somebody takes it. What comes when it is full is left out: it is a sample.
/// Confined to its event loop.
final class RecordingShelf {
    static let waitingMax = 32

    private var waiting: [RecordedExchange] = []

    var hasRoom: Bool { self.waiting.count < Self.waitingMax }

    func put(_ exchange: RecordedExchange) {
        if self.hasRoom { self.waiting.append(exchange) }
    }

    func take() -> [RecordedExchange] {
        defer { self.waiting = [] }
        return self.waiting
    }
}
