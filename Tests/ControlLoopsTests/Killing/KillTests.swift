import ClusterFunctions
import ClusterState
import ControlLoops
import ManagerTesting
import RedisClient
import Registry
import Synchronization
import Testing

/// A replica is killed at every step of everything that takes several, before the step takes effect and after: what it
/// leaves is finished by the next one, and nothing is done twice that must not be.
///
/// The loops are the real ones, on a real Redis with the real functions; a step is a command that writes, or a request to
/// a service. The first run of a story kills nobody and finds the steps.
@Suite(.serialized) struct `A replica killed at each step` {
    private struct Played: Sendable {
        var places: [KillSwitch.Place] = []
        var isDead = false
        var isDone = false
        var sight: KillStory.Sight?
        var isRight = false

        func with(_ kill: KillSwitch) -> Played {
            var played = self
            (played.places, played.isDead) = (kill.places, kill.isDead)
            return played
        }
    }

    @Test(arguments: KillStory.Kind.allCases) func `leaves what the next one finishes`(kind: KillStory.Kind)
        async throws
    {
        let story = try KillStory.make(kind)
        let calm = try await Self.play(story, killed: nil)
        #expect(calm.isRight, "\(kind) goes well when nobody is killed: \(calm)")
        let places = calm.places
        #expect(places.count >= Self.leastSteps(kind) * 2, "\(places)")
        try await withThrowingTaskGroup(of: Void.self) { group in
            for (index, place) in places.enumerated() {
                if index >= Self.atOnce { try await group.next() }
                group.addTask {
                    let played = try await Self.play(story, killed: place)
                    #expect(played.isDead, "\(kind): nobody was killed \(place)")
                    #expect(played.isRight, "\(kind), killed \(place): \(played)")
                }
            }
            try await group.waitForAll()
        }
    }

    private static let atOnce = 3

    /// Each story has at least its order, what is done outside, and what is noted of that.
    private static func leastSteps(_ kind: KillStory.Kind) -> Int {
        switch kind {
        case .promptSwitch: 1
        case .rollBack: 2
        case .retirement: 4
        case .deployment, .canary: 5
        case .training: 7
        }
    }

    /// It is the next one that finishes it: without one, nothing more happens.
    @Test(arguments: KillStory.Kind.allCases.filter { $0 != .promptSwitch })
    func `leaves it undone when there is no next one`(kind: KillStory.Kind) async throws {
        let story = try KillStory.make(kind)
        let order = ["model_deploy", "model_switch", "model_retire", "job_submit"]
        let places = try await Self.play(story, killed: nil).places
        let first = try #require(places.first { !order.contains($0.name) && $0.moment == .before })
        let played = try await Self.play(story, killed: first, hasHeir: false)
        #expect(played.isDead && !played.isDone, "\(played)")
    }

    /// What is taken over after its request may have left is searched for; were it sent again, a trainer would see the key
    /// twice, or two trainers would train.
    @Test func `would train twice, were it not noted before that a request leaves`() async throws {
        let edit = (
            "redis.call('HSET', key, 'phase', 'finding', 'maybe_started', 'true', 'finding_since', text(clock))",
            "redis.call('HSET', key, 'phase', 'preparing', 'status', 'queued', 'asked', '')"
        )
        let story = try KillStory.make(.training)
        let places = try await Self.play(story, killed: nil).places
        let sent = try #require(places.first { $0.name.hasPrefix("POST") && $0.moment == .after })
        let played = try await Self.play(story, killed: sent, edit: edit)
        #expect(played.isDone && !played.isRight)
        #expect((played.sight?.services.seen.values.reduce(0, +) ?? 0) > 1, "\(played)")
    }

    // MARK: Playing

    private static func play(
        _ story: KillStory,
        killed place: KillSwitch.Place?,
        hasHeir: Bool = true,
        edit: (String, String)? = nil
    ) async throws -> Played {
        let (fixture, library) = (try await RedisFixture.shared(), try self.library(edit))
        let kill = KillSwitch(at: place)
        let world = (namespace: fixture.prefix(), services: KillServices(), kill: kill)
        return try await fixture.withClient(library: library) { redis in
            let state = ClusterState(redis: redis, namespace: world.namespace, actor: "world")
            try await self.begin(story, state, world.services)
            let term = try await self.elect("r1", state)
            let first = try await KillReplica.run("r1", before: fixture, library, world, term: term) { replica in
                let isAnswered = (try? await story.order(replica.state)) != nil
                let isOver = try await eventually(within: .seconds(90)) {
                    if kill.isDead { return true }
                    return try await self.sight(replica.holder, state, world.services).map(story.isDone) ?? false
                }
                #expect(isOver, "it ends, or somebody is killed")
                let played = try await self.look(story, replica.holder, state, world.services)
                return (played: played, isAnswered: isAnswered, session: replica.membership.session?.name)
            }
            guard kill.isDead else { return first.played.with(kill) }
            // Time passes.
            if let session = first.session { try await state.endSession(session) }
            try await state.resign(as: "r1")
            if !first.isAnswered { try await story.order(state) }
            guard hasHeir else {
                let seen = Mutex(Played())
                try await FollowerReplica.run(fixture, world.namespace) { watcher in
                    try await Task.sleep(for: .seconds(1))
                    let played = try await self.look(story, watcher.holder, state, world.services).with(kill)
                    seen.withLock { $0 = played }
                }
                return seen.withLock { $0 }
            }
            let heir = (namespace: world.namespace, services: world.services, kill: KillSwitch(at: nil))
            let next = try await self.elect("r2", state)
            return try await KillReplica.run("r2", before: fixture, library, heir, term: next) { replica in
                _ = try await eventually(within: .seconds(90)) {
                    try await self.sight(replica.holder, state, world.services).map(story.isDone) ?? false
                }
                return try await self.look(story, replica.holder, state, world.services).with(kill)
            }
        }
    }

    private static func begin(_ story: KillStory, _ state: ClusterState, _ services: KillServices) async throws {
        let names = try KillStory.Names()
        for id in names.services {
            var definition = try JobBench.service(id.text, at: "http://\(id):8000").definition
            definition.modelVersion = try #require(ModelVersion("v1"))
            definition.capabilities = ["prediction", "training"]
            _ = try await state.register(definition, source: .api, floor: .zero)
        }
        services.state.withLock { $0.isFailing = story.isFailing }
        guard story.hasVersion else { return }
        for id in names.services {
            _ = try await state.offerVersion(names.version, of: names.type, at: id, floor: .zero)
            services.state.withLock { _ = $0.loaded.insert("\(id) \(names.version)") }
        }
    }

    private static func elect(_ name: String, _ state: ClusterState) async throws -> Term {
        let reply = try await state.campaign(as: name, for: .seconds(600), sentAt: .max)
        guard reply.status == .taken else {
            throw RunningProgram.StartFailure(description: "\(name) does not lead")
        }
        return reply.leader.term
    }

    private static func look(
        _ story: KillStory,
        _ holder: SnapshotHolder,
        _ state: ClusterState,
        _ services: KillServices
    ) async throws -> Played {
        var played = Played()
        played.sight = try await self.sight(holder, state, services)
        played.isDone = played.sight.map(story.isDone) ?? false
        played.isRight = played.isDone && (played.sight.map(story.isRight) ?? false)
        return played
    }

    private static func sight(
        _ holder: SnapshotHolder,
        _ state: ClusterState,
        _ services: KillServices
    ) async throws -> KillStory.Sight? {
        let names = try KillStory.Names()
        // Looked at again and again, beside other tests.
        try await Task.sleep(for: .milliseconds(20))
        let epoch = try await state.epoch()
        let snapshot = holder.current
        guard let model = snapshot.models[names.type], snapshot.epoch >= epoch else { return nil }
        return KillStory.Sight(
            model: model,
            job: try await state.job(names.job),
            events: try await state.events(limit: 1000),
            services: services.state.withLock { $0 }
        )
    }

    /// The functions, with a line changed where one is named.
    private static func library(_ edit: (String, String)?) throws -> RedisLibrary {
        guard let (line, replacement) = edit else { return ClusterState.library }
        let source = ClusterFunctions.parts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
        try #require(source.ranges(of: line).count == 1, "the source has one place that says \(line)")
        let changed = source.replacing(line, with: replacement)
        return RedisLibrary(base: ClusterFunctions.libraryName, parts: [Array(changed.utf8)])
    }
}
