import ManagerTesting
import Testing

/// Fails the test unless the condition holds within the time, twenty seconds unless told; ends as soon as it does.
func becomesTrue(
    within limit: Duration = .seconds(20),
    sourceLocation: SourceLocation = #_sourceLocation,
    _ holds: @Sendable () async throws -> Bool
) async throws {
    let held = try await eventually(within: limit, holds)
    #expect(held, sourceLocation: sourceLocation)
}
