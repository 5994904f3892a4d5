/// Lets a service whose task is cancelled already say one more thing to Redis, within the command's own deadline.
///
/// What a leaving replica gives back by itself the others need not wait for; a cancelled task's commands would fail at
/// once.
enum LastWord {
    static func say(_ words: @escaping @Sendable () async throws -> Void) async throws {
        // The one unstructured task of this room: it is awaited at once, and is as short as one command.
        try await Task { try await words() }.value
    }
}
