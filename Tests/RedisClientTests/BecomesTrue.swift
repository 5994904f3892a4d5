import ManagerTesting
import Testing

/// Fails the test unless the condition holds within twenty seconds; ends as soon as it does.
func becomesTrue(
    sourceLocation: SourceLocation = #_sourceLocation,
    _ holds: @Sendable () async throws -> Bool
) async throws {
    let held = try await eventually(within: .seconds(20), holds)
    #expect(held, sourceLocation: sourceLocation)
}
