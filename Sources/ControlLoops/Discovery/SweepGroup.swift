/// Looks at many places, some at once, and adds up what they gave.
enum SweepGroup {
    static func run<Place: Sendable>(
        _ places: [Place],
        atOnce: Int,
        _ empty: SourceReport,
        _ look: @escaping @Sendable (Place) async throws -> SourceReport
    ) async throws -> SourceReport {
        try await withThrowingTaskGroup(of: SourceReport.self) { group in
            var (sum, waiting) = (empty, places[...])
            for place in waiting.prefix(atOnce) { group.addTask { try await look(place) } }
            waiting = waiting.dropFirst(atOnce)
            while let report = try await group.next() {
                sum.add(report)
                if let place = waiting.popFirst() { group.addTask { try await look(place) } }
            }
            return sum
        }
    }
}
