/// How tests wait for what has no event to wait for.
///
/// A test that fails because the machine was busy says nothing about the program. So whoever waits for something that
/// must come, and does not say how soon, waits far longer than it takes: a test that passes ends as soon as it has come.
enum Patience {
    /// Less than this is no reason to give up on a machine that does other things as well.
    static let min = Duration.seconds(60)
}

/// Asks again and again until it is so, or long after the `limit`, which is what a machine at rest would need.
///
/// Within another closure bind the answer first, and then `#expect` it: Swift 6.3 may give a closure that stands in
/// `#expect` and the next one beside it one and the same body, and then the second question is never asked.
public func eventually(within limit: Duration, _ holds: @Sendable () async throws -> Bool) async throws -> Bool {
    try await happens(within: max(limit, Patience.min), holds)
}

/// Whether it is so within just this time: for promises of how soon, and for what must not come at all.
public func happens(within limit: Duration, _ holds: @Sendable () async throws -> Bool) async throws -> Bool {
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
        if try await holds() { return true }
        try await Task.sleep(for: .milliseconds(10))
    }
    return try await holds()
}
