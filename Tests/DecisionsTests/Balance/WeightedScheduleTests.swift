import Decisions
import Testing

@Suite struct `A weighted schedule` {
    @Test(arguments: [
        ([Int](), [Int32]()), ([7], [0]), ([1, 1, 1], [0, 1, 2]), ([200, 100], [0, 1, 0]),
        ([3, 1], [0, 0, 1, 0]),
    ])
    func `takes turns`(weights: [Int], slots: [Int32]) {
        #expect(WeightedSchedule(weights: weights).slots == slots)
    }

    /// Every prefix of the schedule, for all triples of small weights: nobody is more than one turn from the due share
    /// of the turns so far, and equal weights stay within one turn of each other.
    @Test func `is even in every prefix`() {
        for first in 1...8 {
            for second in 1...8 {
                for third in 1...8 {
                    let weights = [first, second, third]
                    let slots = WeightedSchedule(weights: weights).slots
                    var counts = [0, 0, 0]
                    for (turn, member) in slots.enumerated() {
                        counts[Int(member)] += 1
                        for index in 0..<3 {
                            let due = Double((turn + 1) * weights[index]) / Double(first + second + third)
                            #expect(abs(Double(counts[index]) - due) <= 1.001, "\(weights) after \(turn + 1)")
                        }
                        if first == second { #expect(abs(counts[0] - counts[1]) <= 1) }
                    }
                }
            }
        }
    }

    @Test(arguments: [
        [1000, 999, 998], [1, 1000, 1000, 1000], Array(1...200), Array(repeating: 997, count: 3000) + [1],
    ])
    func `stays bounded when the weights share no divisor, and forgets nobody`(weights: [Int]) {
        let slots = WeightedSchedule(weights: weights).slots
        let bound = max(WeightedSchedule.slotsMin, WeightedSchedule.slotsPerMember * weights.count)
        #expect(slots.count <= bound + weights.count)
        var counts = [Int](repeating: 0, count: weights.count)
        for slot in slots { counts[Int(slot)] += 1 }
        let total = weights.reduce(0, +)
        for (weight, count) in zip(weights, counts) {
            let due = Double(weight * bound) / Double(total)
            #expect(count >= 1 && abs(Double(count) - due) <= 1)
        }
    }
}
