import NIOCore
import Testing

@testable import ModelManager

@Suite struct `Waits of control loops` {
    @Test(arguments: [
        (wait: Duration.milliseconds(1), end: 5_041),
        (.milliseconds(149), 5_189),
        (.milliseconds(150), 5_230),
        (.milliseconds(190), 5_230),
        (.milliseconds(191), 5_330),
        (.milliseconds(250), 5_330),
        (.seconds(1), 6_130),
    ])
    func `end together when they are long, and never early`(wait: Duration, end: Int) {
        let grid = WakeGrid(phase: .milliseconds(30))
        let now = NIODeadline.uptimeNanoseconds(5_040_000_000)
        #expect(grid.end(of: wait, from: now) == .uptimeNanoseconds(UInt64(end) * 1_000_000))
    }
}
