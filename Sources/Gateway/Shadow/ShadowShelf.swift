internal import NIOCore

/// The copies for shadows on one event loop: those that are due, and those at rest, which serve again.
///
/// What callers pay for a copy is what is done before they are answered and behind which their next request waits. So a
/// copy that is due begins when the loop has done what was at hand for callers, all that came due together in one turn; and
/// a copy is an object with an exchange and buffers of its own, so that once a loop is warm none allocates anything.
/// Bounds: `ShadowRoute.copiesMax` for each version that gets copies, `heldBytesMax` over all. Confined to its event loop.
final class ShadowShelf {
    /// Of the bodies of callers' requests that are copied. Further ones are skipped. Of answers 64 KiB each are kept on
    /// top of it, see `GatheredAnswer`.
    static let heldBytesMax = 16 * 1024 * 1024
    static let restingMax = ShadowRoute.copiesMax

    let comparer = ShadowComparer()
    private let loop: any EventLoop
    private var resting: [ShadowCopy] = []
    private var due: [ShadowCopy] = []
    private(set) var heldBytes = 0
    private var isOpen = true

    init(loop: any EventLoop) {
        self.loop = loop
    }

    /// A copy that holds so many bytes until it is given back; nil when there is no room.
    @inline(__always)
    func take(_ bytes: Int, plane: LoopPlane) -> ShadowCopy? {
        guard self.heldBytes + bytes <= Self.heldBytesMax else { return nil }
        self.heldBytes += bytes
        return self.resting.popLast() ?? ShadowCopy(plane: plane)
    }

    func giveBack(_ copy: ShadowCopy, _ bytes: Int) {
        self.heldBytes -= bytes
        if self.isOpen, self.resting.count < Self.restingMax { self.resting.append(copy) }
    }

    /// The caller has his answer.
    func add(_ copy: ShadowCopy) {
        self.due.append(copy)
        guard self.due.count == 1 else { return }
        self.loop.assumeIsolated().execute { self.beginDue() }
    }

    private func beginDue() {
        // What comes due meanwhile is for the next turn.
        let count = self.due.count
        for index in 0..<count { self.due[index].begin() }
        self.due.removeSubrange(..<count)
        if !self.due.isEmpty { self.loop.assumeIsolated().execute { self.beginDue() } }
    }

    /// Nothing is copied now: what was kept for copies to come is given back.
    func clear() { self.resting = [] }

    /// No further copy comes to rest here.
    func close() {
        self.isOpen = false
        self.clear()
    }
}
