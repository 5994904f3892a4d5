import ClusterState
import ManagerTesting
import RedisClient
import Registry
import Synchronization
import Testing

/// Something that a replica carries out in several steps, and what must be true when it is done, whoever was killed
/// meanwhile.
struct KillStory: Sendable {
    /// What a person, or the world, sees.
    struct Sight: Sendable {
        let model: Model
        let job: Job?
        let events: [ClusterEvent]
        let services: KillServices.State

        func count(_ kind: String, _ detail: String = "") -> Int {
            self.events.count { $0.kind == kind && $0.detail.hasPrefix(detail) }
        }
    }

    /// Whether services have version v2 from the start.
    var hasVersion = true
    var isFailing = false
    /// Given by somebody who repeats it when he gets no answer.
    let order: @Sendable (ClusterState) async throws -> Void
    let isDone: @Sendable (Sight) -> Bool
    let isRight: @Sendable (Sight) -> Bool

    enum Kind: String, CaseIterable, Sendable {
        case deployment, promptSwitch, canary, rollBack, retirement, training
    }

    /// What all stories are about.
    struct Names {
        let type: ModelType
        let version: ModelVersion
        let job: JobID
        let services: [ServiceID]

        init() throws {
            self.type = try #require(ModelType("LSTM"))
            self.version = try #require(ModelVersion("v2"))
            self.job = try #require(JobID("j1"))
            self.services = try ["a", "b"].map { try #require(ServiceID($0)) }
        }
    }

    static func make(_ kind: Kind) throws -> KillStory {
        let names = try Names()
        return switch kind {
        case .deployment: Self.deployment(names)
        case .promptSwitch: Self.promptSwitch(names)
        case .canary: Self.canary(names)
        case .rollBack: Self.rollBack(names)
        case .retirement: Self.retirement(names)
        case .training: Self.training(names)
        }
    }
}

extension KillStory {
    private static func deployment(_ names: Names) -> KillStory {
        KillStory(
            hasVersion: false,
            order: { state in
                let order = Deployment(services: names.services)
                _ = try await state.deployVersion(names.version, of: names.type, order, floor: .zero)
            },
            isDone: { $0.model.pointers.deployments[names.version]?.isUnderWay == false },
            isRight: { sight in
                sight.model.admits(names.version) && sight.services.loaded == ["a v2", "b v2"]
                    && sight.model.versions[names.version]?.count == 2
                    && sight.count("deployment_loaded", "v2 at a") == 1
                    && sight.count("deployment_loaded", "v2 at b") == 1 && sight.count("deployed") == 1
            }
        )
    }

    private static func promptSwitch(_ names: Names) -> KillStory {
        KillStory(
            order: { _ = try await $0.switchModel(names.type, to: SwitchOrder(version: names.version), floor: .zero) },
            isDone: { $0.model.latest == names.version },
            isRight: { $0.count("switched") == 1 }
        )
    }

    private static func canary(_ names: Names) -> KillStory {
        KillStory(
            order: { state in
                let order = Self.order(names, every: .milliseconds(20))
                _ = try await state.switchModel(names.type, to: order, floor: .zero)
            },
            isDone: { $0.model.pointers.rollout?.state == .succeeded },
            isRight: { sight in
                sight.model.latest == names.version && sight.model.pointers.split.isEmpty
                    && sight.count("rollout_began") == 1 && sight.count("rollout_advanced") == 2
                    && sight.count("switched") == 1 && sight.count("rollout_succeeded") == 1
            }
        )
    }

    private static func rollBack(_ names: Names) -> KillStory {
        KillStory(
            isFailing: true,
            order: {
                _ = try await $0.switchModel(names.type, to: Self.order(names, every: .seconds(60)), floor: .zero)
            },
            isDone: { $0.model.pointers.rollout?.state == .rolledBack },
            isRight: { sight in
                sight.model.latest.text == "v1" && sight.model.pointers.split.isEmpty && sight.count("rolled_back") == 1
                    && sight.count("switched") == 0
            }
        )
    }

    private static func retirement(_ names: Names) -> KillStory {
        KillStory(
            order: {
                _ = try await $0.retireVersion(names.version, of: names.type, timeout: .seconds(60), floor: .zero)
            },
            isDone: { $0.model.pointers.notes[names.version]?.state == .retired },
            isRight: { $0.services.loaded.isEmpty && $0.count("retired") == 1 }
        )
    }

    /// One that nobody can find is interrupted, and says that it may have started.
    private static func training(_ names: Names) -> KillStory {
        KillStory(
            hasVersion: false,
            order: { state in
                let body = #"{"model_type":"LSTM","config":{}}"#
                let request = try TrainingRequest.read(JSONValue.parse(body))
                _ = try await state.submit(
                    JobOrder(id: names.job, key: "once", request: request, body: Array(body.utf8))
                )
            },
            isDone: { $0.job?.status.isEnd == true },
            isRight: { sight in
                let (began, most) = (sight.services.left.count, sight.services.seen.values.max() ?? 0)
                guard let job = sight.job, began <= 1, most <= 1 else { return false }
                let isOffered = sight.model.versions[names.version] == job.service.map { [$0] }
                return began == 1
                    ? job.status == .succeeded && isOffered && sight.count("job_succeeded") == 1
                    : job.status == .interrupted && job.maybeStarted
            }
        )
    }

    private static func order(_ names: Names, every interval: Duration) -> SwitchOrder {
        SwitchOrder(
            version: names.version,
            canary: SwitchOrder.Canary(steps: [10, 50, 100], interval: interval, errorRateMax: 0.5)
        )
    }
}
