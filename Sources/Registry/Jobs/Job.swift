/// Names a training job, once per cluster and for ever: it is also the idempotency key its trainer gets.
public struct JobID: Name {
    public let text: String
    public init?(_ text: String) {
        guard NameRule.allows(text) else { return nil }
        self.text = text
    }

    /// A name that nobody has had, made of 64 random bits.
    public init(random: UInt64) {
        let digits = String(random, radix: 16)
        self.text = "job-" + String(repeating: "0", count: 16 - digits.count) + digits
    }
}

/// How a training job stands, for those who asked for it.
public enum JobStatus: String, Hashable, Sendable, CaseIterable {
    /// No trainer has it. Can move to `running`, `failed`, `cancelled`.
    case queued
    /// A trainer has it, or may have it. Can move to every other one; to `queued` when the trainer did not take it.
    case running
    case succeeded
    /// The trainer refused it or said that it failed, or nobody could take it in time.
    case failed
    case cancelled
    /// Nobody knows what became of it: the trainer was lost, or never said whether it began.
    case interrupted

    public var isEnd: Bool { self != .queued && self != .running }
}

/// What the runner of a job that has not ended is at.
public enum JobPhase: String, Hashable, Sendable, CaseIterable {
    /// Nobody runs it yet.
    case waiting
    /// Its data is fetched, a trainer is looked for.
    case preparing
    /// Its request is on the way to a trainer, or about to be.
    case sending
    /// The trainer accepted it, and is asked how it goes.
    case watching
    /// Whether the trainer ever got it is being found out.
    case finding
}

/// One training job as Redis keeps it.
public struct Job: Hashable, Sendable {
    public var id: JobID
    public var status: JobStatus
    /// Nil when the job has ended.
    public var phase: JobPhase?
    public var modelType: ModelType
    /// What the caller asked for; nil: any that trains.
    public var requestedVersion: ModelVersion?
    public var createdAt: Timestamp
    public var startedAt: Timestamp?
    public var endedAt: Timestamp?
    /// The replica's session that runs it.
    public var runner: String?
    /// The trainer.
    public var service: ServiceID?
    public var url: ServiceURL?
    /// Path at the trainer where the job is asked about.
    public var watchPath: String?
    /// Trainers that were full are asked again in the next round, under another key.
    public var round = 1
    /// Trainers that had this round's key.
    public var asked: [ServiceID] = []
    /// 0...1.
    public var progress: Double?
    public var message: String?
    /// What the trainer answered at the end.
    public var result: JSONValue?
    /// The version that came of it.
    public var modelVersion: String?
    public var error: String?
    public var code: Problem.Code?
    public var attempts: [Problem.Attempt] = []
    public var maybeStarted = false
    /// Nil, `requested`, or what the trainer said to it.
    public var cancel: String?
    public var dataSource: JSONValue?
    public var validation: JSONValue?
    /// Rows of data that went to the trainer.
    public var rows: Int?

    public static let attemptsMax = 20

    public init(id: JobID, status: JobStatus, modelType: ModelType, createdAt: Timestamp) {
        self.id = id
        self.status = status
        self.modelType = modelType
        self.createdAt = createdAt
    }

    /// What the trainer gets as `Idempotency-Key`; sees it at most once.
    public var trainerKey: String { self.round == 1 ? self.id.text : "\(self.id).\(self.round)" }
}
