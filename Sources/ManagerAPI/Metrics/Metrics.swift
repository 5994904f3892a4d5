internal import Gateway
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Registry

/// `GET /metrics`: every metric of a replica, with its name, help and unit, in this file alone.
///
/// Labels are names that operators gave (services, problem codes), never anything a request brought.
struct Metrics: Sendable {
    let ports: FacePorts
    let identity: ReplicaIdentity
    let routes: RouteCounts
    let access: AccessGuard?

    func show(_ call: Call) async throws -> Response {
        let wantsOpenMetrics = Negotiation.accepts("application/openmetrics-text", call.request.headers)
        let format: MetricsPage.Format = wantsOpenMetrics ? .openMetrics : .prometheus
        var page = MetricsPage(format)
        let statistics = await self.ports.traffic.statistics()
        let snapshot = self.ports.snapshots.snapshot ?? .empty
        self.traffic(statistics, &page)
        self.face(&page)
        self.versions(await self.ports.traffic.versionTraffic(), snapshot, &page)
        self.perService(statistics.services, &page)
        self.instances(snapshot, &page)
        self.replica(snapshot, &page)
        self.cluster(await self.ports.cluster.cluster(), &page)
        self.discovery(&page)
        self.process(ProcessFacts.read(), &page)
        page.end()
        return Response(
            status: .ok,
            headers: [.contentType: format.contentType, .cacheControl: "no-store", .xContentTypeOptions: "nosniff"],
            body: .init(byteBuffer: ByteBuffer(string: page.text))
        )
    }

    private func traffic(_ all: DataPlaneStatistics, _ page: inout MetricsPage) {
        let name = "model_manager_"
        page.family(name + "requests", .counter, "Requests to models.", Self.one(all.requests))
        page.family(
            name + "request_failures",
            .counter,
            "Requests that failed after all tries.",
            Self.one(all.failures)
        )
        page.family(name + "retries", .counter, "Attempts after the first one.", Self.one(all.retries))
        page.family(
            name + "retries_refused_by_budget",
            .counter,
            "Retries not made because the budget was used up.",
            Self.one(all.retriesRefusedByBudget)
        )
        page.family(name + "requests_in_flight", .gauge, "Requests being served.", Self.one(Int64(all.inFlight)))
        page.family(
            name + "requests_held",
            .gauge,
            "Requests that wait for this replica to catch up after a pause.",
            Self.one(Int64(all.held))
        )
        page.family(name + "connections", .gauge, "Open connections of callers.", Self.one(Int64(all.connections)))
        let doors: [(MetricsPage.Labels, Double)] = [
            ([("door", "fast")], Double(all.fastRequests)), ([("door", "general")], Double(all.generalRequests)),
        ]
        page.family(name + "door_requests", .counter, "Requests by the parser that read them.", doors)
        page.family(name + "panics", .counter, "Picks that ignored probe verdicts.", Self.one(all.panics))
        self.breakers(all, &page)
        let answers = all.answers.enumerated().map { place, count in
            ([(name: "class", value: "\(place + 1)xx")], Double(count))
        }
        page.family(name + "answers", .counter, "Answers by status class.", answers)
        let problems = all.problems.sorted { $0.key < $1.key }
        page.family(
            name + "problems",
            .counter,
            "Errors of the manager's own, by code.",
            problems.map { ([("code", $0.key)], Double($0.value)) }
        )
        self.queue(all, &page)
        page.histogram(
            name + "overhead_seconds",
            "Time spent in the manager, without the instances.",
            [Self.histogram([], all.overhead)]
        )
    }

    private func breakers(_ all: DataPlaneStatistics, _ page: inout MetricsPage) {
        let name = "model_manager_"
        let moves = BreakerPhase.allCases.map { phase in
            ([(name: "to", value: phase.rawValue)], Double(all.breakerMoves[phase] ?? 0))
        }
        page.family(name + "breaker_transitions", .counter, "Moves of breakers on this replica, by the phase.", moves)
        page.family(
            name + "breaker_probes",
            .counter,
            "Requests sent to half-open instances.",
            Self.one(all.breakerProbes)
        )
        let probes = self.ports.health.probeTally
        let samples: [(MetricsPage.Labels, Double)] = [
            ([("result", "well")], Double(probes.well)), ([("result", "failed")], Double(probes.failed)),
        ]
        page.family(name + "health_probes", .counter, "Probes that this replica made.", samples)
        page.family(
            name + "health_opinions",
            .counter,
            "Probes made because another replica found an instance down.",
            Self.one(probes.opinions)
        )
    }

    /// Requests that waited because all instances had as many as they may.
    private func queue(_ all: DataPlaneStatistics, _ page: inout MetricsPage) {
        let name = "model_manager_queue_"
        page.family(name + "waiting", .gauge, "Requests that wait for a permit.", Self.one(Int64(all.queueWaiting)))
        page.family(name + "entered", .counter, "Requests that began to wait.", Self.one(all.queueEntered))
        page.family(name + "refused", .counter, "Requests refused: the queue was full.", Self.one(all.queueRefused))
        page.family(name + "timed_out", .counter, "Requests that waited too long.", Self.one(all.queueTimedOut))
        page.histogram(
            name + "wait_seconds",
            "How long those waited that got a permit.",
            [Self.histogram([], all.queueWait)]
        )
    }

    private func face(_ page: inout MetricsPage) {
        let answers = self.routes.all.map { entry -> (MetricsPage.Labels, Double) in
            let labels = [("operation", entry.key.operation), ("class", "\(entry.key.statusClass)xx")]
            return (labels.map { (name: $0.0, value: $0.1) }, Double(entry.count))
        }
        page.family("model_manager_api_requests", .counter, "Requests beside the fast path, by operation.", answers)
        let refused = self.access?.refused.map { ([(name: "reason", value: $0.reason)], Double($0.count)) } ?? []
        page.family("model_manager_access_refused", .counter, "Requests of callers who were not let in.", refused)
    }

    private func perService(_ services: [ServiceID: ServiceTraffic], _ page: inout MetricsPage) {
        let name = "model_manager_service_"
        let sorted = services.sorted { $0.key < $1.key }
        func samples(_ value: (ServiceTraffic) -> Int64) -> [(MetricsPage.Labels, Double)] {
            sorted.map { ([("service", $0.key.text)], Double(value($0.value))) }
        }
        page.family(name + "requests", .counter, "Attempts at a service.", samples(\.requests))
        page.family(name + "failures", .counter, "Attempts that failed.", samples(\.failures))
        page.family(name + "retries", .counter, "Attempts that were retries.", samples(\.retries))
        page.family(name + "in_flight", .gauge, "Requests at a service.", samples { Int64($0.inFlight) })
        page.histogram(
            name + "latency_seconds",
            "Time until a service answered.",
            sorted.map { Self.histogram([("service", $0.key.text)], $0.value.latency) }
        )
    }

    private func instances(_ snapshot: RegistrySnapshot, _ page: inout MetricsPage) {
        let name = "model_manager_instance_"
        let states = snapshot.services.flatMap { self.ports.traffic.states(of: $0.id) }
        func samples(_ value: (InstanceState) -> Int) -> [(MetricsPage.Labels, Double)] {
            states.map {
                ([("service", $0.key.service.text), ("instance", $0.key.url.description)], Double(value($0)))
            }
        }
        page.family(
            name + "healthy",
            .gauge,
            "1 unless probes call it unhealthy.",
            samples { $0.verdict == .unhealthy ? 0 : 1 }
        )
        page.family(
            name + "breaker_state",
            .gauge,
            "0 closed, 1 open, 2 half open.",
            samples { Self.number($0.breaker) }
        )
        page.family(name + "breaker_trips", .gauge, "Trips in a row.", samples(\.trips))
        let limited = states.filter { $0.permitsHeld != nil }
        page.family(
            name + "permits_held",
            .gauge,
            "Requests that may be in flight from this replica.",
            limited.map {
                (
                    [("service", $0.key.service.text), ("instance", $0.key.url.description)],
                    Double($0.permitsHeld ?? 0)
                )
            }
        )
        page.family(name + "draining", .gauge, "1 while out of rotation by order.", samples { $0.isDraining ? 1 : 0 })
    }

    private func replica(_ snapshot: RegistrySnapshot, _ page: inout MetricsPage) {
        let name = "model_manager_"
        let store = self.ports.store.storeStatus
        let labels: MetricsPage.Labels = [("version", self.identity.version), ("replica", self.identity.id)]
        page.family(name + "build_info", .gauge, "What runs here.", [(labels, 1)])
        page.family(name + "registry_epoch", .gauge, "Epoch of the snapshot.", Self.one(snapshot.epoch.rawValue))
        page.family(
            name + "registry_services",
            .gauge,
            "Registered services.",
            Self.one(Int64(snapshot.services.count))
        )
        page.family(name + "redis_up", .gauge, "1 while Redis answers.", Self.one(store.connected ? 1 : 0))
        page.family(
            name + "redis_staleness_seconds",
            .gauge,
            "Since Redis was heard.",
            [([], store.staleness.inSeconds)]
        )
        if let latency = store.latency {
            page.family(
                name + "redis_latency_seconds",
                .gauge,
                "Of the last command measured.",
                [([], latency.inSeconds)]
            )
        }
        page.family(
            name + "draining",
            .gauge,
            "1 while this replica is leaving.",
            Self.one(self.ports.replica.isDraining ? 1 : 0)
        )
    }

    private func cluster(_ cluster: ClusterCondition, _ page: inout MetricsPage) {
        let name = "model_manager_"
        let leads = cluster.replicas.contains { $0.id == self.identity.id && $0.role == .leader }
        page.family(
            name + "cluster_replicas",
            .gauge,
            "Replicas that this one sees, itself included.",
            Self.one(Int64(cluster.replicas.count))
        )
        page.family(name + "leader", .gauge, "1 while this replica leads.", Self.one(leads ? 1 : 0))
        page.family(
            name + "leader_term",
            .gauge,
            "Term of the leader that this replica sees; 0: none.",
            Self.one(cluster.leader?.term ?? 0)
        )
    }

    private func process(_ facts: ProcessFacts, _ page: inout MetricsPage) {
        let name = "model_manager_process_"
        let started = Double(self.identity.startedAt.milliseconds) / 1000
        page.family(name + "start_time_seconds", .gauge, "Start since the Unix epoch.", [([], started)])
        page.family(name + "cpu_seconds", .counter, "User and system time.", facts.cpuSeconds.map { [([], $0)] } ?? [])
        page.family(name + "resident_memory_bytes", .gauge, "Resident memory.", Self.some(facts.residentBytes))
        page.family(name + "open_fds", .gauge, "Open file descriptors.", Self.some(facts.openFiles))
        page.family(name + "threads", .gauge, "Threads.", Self.some(facts.threads))
    }

    private static func one(_ value: Int64) -> [(MetricsPage.Labels, Double)] { [([], Double(value))] }

    private static func some(_ value: Int?) -> [(MetricsPage.Labels, Double)] { value.map { [([], Double($0))] } ?? [] }

    private static func number(_ phase: BreakerPhase) -> Int {
        switch phase {
        case .closed: 0
        case .open: 1
        case .halfOpen: 2
        }
    }

    private static func histogram(
        _ labels: MetricsPage.Labels,
        _ buckets: LatencyBuckets
    ) -> (labels: MetricsPage.Labels, bounds: [Double], counts: [Int64], sum: Double) {
        let bounds = LatencyBuckets.boundsMicroseconds.map { Double($0) / 1e6 }
        return (labels, bounds, buckets.counts, Double(buckets.sumMicroseconds) / 1e6)
    }
}
