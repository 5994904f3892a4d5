import Synchronization

/// A switch that a test flips under a running script.
final class Flag: Sendable {
    private let flag = Atomic<Bool>(false)
    var value: Bool { self.flag.load(ordering: .sequentiallyConsistent) }
    func set(_ value: Bool) { self.flag.store(value, ordering: .sequentiallyConsistent) }
}
