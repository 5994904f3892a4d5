/// How long a job's runner waits, and for what.
public struct JobPolicy: Hashable, Sendable {
    /// Between two questions to a trainer: the first, doubling up to the last, unless it says when to come back.
    public var pollFirst = Duration.milliseconds(250)
    public var pollMax = Duration.seconds(5)
    /// However late a trainer wants to be asked again, it is asked after this time.
    public var retryAfterMax = Duration.seconds(60)
    /// A trainer that cannot be asked for so long has lost the job.
    public var unreachableMax = Duration.seconds(300)
    /// A trainer that said so often in a row that it does not know the job has lost it: the first question may come
    /// before a trainer's own store knows.
    public var unknownMax = 3
    /// So long it is tried to find out whether a trainer got the job: its request may still be on the way.
    public var findingMax = Duration.seconds(30)
    /// Before another look for a trainer that can take the job.
    public var lookAgain = Duration.seconds(1)

    public init() {}
}
