public import Decisions
public import Gateway
public import Registry

/// What the reporter needs of the data plane.
public protocol BreakerPort: Sendable {
    /// The ring comes when something should be told at once.
    func onBreakerErrand(_ ring: @escaping @Sendable () -> Void)
    func setBreakersInTouch(_ isInTouch: Bool)
    func takeOutcomes() -> [PoolOutcomes]
    func takeEndedPermits() -> [EndedPermit]
    func permitWishes() -> [PermitWish]
    func answered(_ wish: PermitWish, _ answer: SharedBreaker.WishAnswer)
    func decide(_ decision: SharedBreaker.Decision, for key: InstanceKey)
    func heardGeneration(_ generation: Int, of key: InstanceKey)
    func othersWantPermit(of instance: String)
    func permitFreed(of instance: String)
}

extension DataPlane: BreakerPort {}
