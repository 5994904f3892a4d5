import ManagerTesting

extension SeededRandom {
    /// One run that replays: prints its seed beforehand, for runs whose failure would end the process.
    static func announced(_ test: String = #function) -> SeededRandom {
        let random = SeededRandom.runs(1)[0]
        print("\(test): \(random)")
        return random
    }
}
