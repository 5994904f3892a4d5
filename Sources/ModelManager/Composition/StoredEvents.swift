import ClusterState
import ManagerAPI
import Registry

/// The event log in Redis, for the routes; waits by asking again, at most twice a second.
struct StoredEvents: EventLog {
    let store: StoreParts

    private static let pollInterval = Duration.milliseconds(500)

    func events(after: String?, limit: Int, wait: Duration) async throws(Problem) -> [ClusterEvent] {
        let end = ContinuousClock.now + wait
        while true {
            let events = try await self.read(after: after, limit: limit)
            let isLate = ContinuousClock.now + Self.pollInterval > end
            guard events.isEmpty, !isLate, (try? await Task.sleep(for: Self.pollInterval)) != nil else { return events }
        }
    }

    private func read(after: String?, limit: Int) async throws(Problem) -> [ClusterEvent] {
        do throws(StateError) {
            return try await self.store.state.events(after: after, limit: limit)
        } catch {
            throw Problem(error)
        }
    }
}
