import Decisions
import Testing

@Suite struct `The ejection bound` {
    @Test(arguments: [(1, 1), (2, 1), (3, 1), (4, 2), (5, 2), (10, 5), (101, 50)])
    func `lets half of the pool go, rounded down, at least one`(poolSize: Int, most: Int) {
        let allowed = (0...poolSize).prefix { EjectionBound.allows(ejected: $0, poolSize: poolSize) }
        #expect(allowed.count == most)
    }
}
