import ClusterState
import ControlLoops
import Decisions
import Gateway
import Logging
import Registry
import ServiceLifecycle

/// What this replica's request path shares with the others': permits, round-robin tickets and the retry budget.
///
/// The data plane uses figures that it has in hand; these loops keep them in stock. They hold what they hold through the
/// replica's session, so they end before it does and after the last request.
struct LimitParts {
    let services: [any ServiceLifecycle.Service]

    init(
        _ configuration: ReplicaConfiguration,
        dataPlane: DataPlane,
        store: StoreParts,
        members: MembershipParts,
        logger: Logger
    ) {
        let permits = PermitReserver(
            onLoss: configuration.limitOnRedisLoss,
            port: SharedPermits(dataPlane: dataPlane),
            state: store.state,
            membership: members.membership,
            signals: members.signals,
            time: store.thread.time,
            logger: logger
        )
        let tickets = TicketReserver(
            port: SharedTickets(dataPlane: dataPlane),
            state: store.state,
            time: store.thread.time,
            logger: logger
        )
        dataPlane.connectReservers(permits: { permits.wake() }, tickets: { tickets.wake() })
        let budget = SharedBudget(dataPlane: dataPlane, membership: members.membership)
        self.services = [permits, tickets, budget]
    }
}

/// The data plane's needs of permits, in the reserver's words.
private struct SharedPermits: PermitPort {
    let dataPlane: DataPlane

    func demand() -> [PermitDemand] {
        self.dataPlane.permitNeeds().map { need in
            PermitDemand(
                key: need.key,
                limit: need.limit,
                limitEpoch: need.limitEpoch,
                inFlight: need.inFlight,
                waiting: need.waiting
            )
        }
    }

    func grant(_ held: Int, to key: InstanceKey) -> Int {
        self.dataPlane.grantPermits(held, to: key)
    }

    func setWanted(_ areWanted: Bool) {
        self.dataPlane.setPermitsWanted(areWanted)
    }
}

/// The data plane's needs of tickets, in the reserver's words.
private struct SharedTickets: TicketPort {
    let dataPlane: DataPlane

    func demand() -> [TicketDemand] {
        self.dataPlane.ticketNeeds().map { TicketDemand(pool: $0.pool, count: $0.count) }
    }

    func grant(pool: String, first: UInt64, count: Int) {
        self.dataPlane.grantTickets(pool: pool, first: first, count: count)
    }
}

/// Tells the retry budget what the other replicas said with their beats; silence makes it go by its own figures.
private struct SharedBudget: ServiceLifecycle.Service {
    let dataPlane: DataPlane
    let membership: Membership

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var tally = TrafficTally()
            for await view in self.membership.views() {
                let others = view.replicas.filter { $0.id != view.own }
                let counts = others.map {
                    ($0.session, TrafficTally.Counts(requests: $0.status.requests, retries: $0.status.retries))
                }
                let news = tally.heard(Dictionary(counts) { first, _ in first })
                self.dataPlane.heardTraffic(news, others: others.count)
            }
        }
    }
}
