internal import HTTPTypes

/// The rows of the table about this replica's health.
enum ReplicaRoutes {
    static func routes(_ health: ReplicaHealth) -> [Route] {
        [
            Route(
                method: .get,
                path: "/health",
                name: "getHealth",
                tag: "replica",
                summary: "How this replica is, with its store, its services and its cluster",
                answers: [
                    .ok("Health", "It serves; degraded while Redis is away."),
                    .init(status: 503, about: "It cannot serve.", schema: "Health"),
                ],
                handler: health.show
            ),
            Route(
                method: .get,
                path: "/health/live",
                name: "getLiveness",
                tag: "replica",
                summary: "Whether the process lives",
                answers: [.ok("Liveness", "It does.")],
                access: .open,
                handler: health.live
            ),
            Route(
                method: .get,
                path: "/health/ready",
                name: "getReadiness",
                tag: "replica",
                summary: "Whether to send requests here",
                answers: [
                    .ok("Readiness", "Yes."),
                    .init(status: 503, about: "No: leaving, or the registry is not loaded yet.", schema: "Readiness"),
                ],
                access: .open,
                handler: health.ready
            ),
        ]
    }
}
