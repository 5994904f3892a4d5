import ControlLoops
import ManagerTesting
import Registry
import Testing

@Suite struct `Followers of one store` {
    /// The sets of faults that one history may meet. A clock that falls back while data is lost is two faults at once:
    /// then two changes may bear the same stamp, and nobody can tell which is newer.
    static let histories: [[FollowerSimulation.Fault]] = [[.trim], [.trim, .wipe, .rollBack], [.trim, .clockStep]]

    @Test(arguments: histories, SeededRandom.runs(40))
    func `equal it after any faults, and no acknowledged change is lost`(
        faults: [FollowerSimulation.Fault],
        seeded: SeededRandom
    ) {
        let violation = Self.run(faults, seeded)
        #expect(violation == nil, "\(seeded) \(faults)")
    }

    @Test(arguments: [FollowerSimulation.Omission.comparing, .restoring])
    func `would differ or lose changes if a mechanism were missing`(omission: FollowerSimulation.Omission) {
        let violations = SeededRandom.runs(40).compactMap { Self.run([.trim, .wipe, .rollBack], $0, omission) }
        #expect(!violations.isEmpty)
    }

    private static func run(
        _ faults: [FollowerSimulation.Fault],
        _ seeded: SeededRandom,
        _ omission: FollowerSimulation.Omission = .nothing
    ) -> String? {
        var random = seeded
        var simulation = FollowerSimulation(followers: 3, faults: faults, omission: omission)
        for _ in 0..<4 {
            for _ in 0..<150 { simulation.turn(using: &random) }
            simulation.heal()
            if let violation = simulation.violation { return violation }
        }
        return nil
    }
}
