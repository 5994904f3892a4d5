internal import HTTPTypes
internal import Registry

/// The rows of the table for operators.
enum ClusterRoutes {
    private static let tag = "cluster"

    static func routes(_ reads: ClusterReads, _ events: Events, _ metrics: Metrics) -> [Route] {
        [Self.explain(reads), Self.events(events)] + Self.cluster(reads) + [Self.metrics(metrics)]
    }

    private static func cluster(_ reads: ClusterReads) -> [Route] {
        [
            Route(
                method: .get,
                path: "/cluster",
                name: "getCluster",
                tag: self.tag,
                summary: "The replicas and their leader",
                answers: [.ok("Cluster", "The cluster as this replica knows it.")],
                handler: reads.show
            ),
            Route(
                method: .get,
                path: "/cluster/stats",
                name: "getStatistics",
                tag: self.tag,
                summary: "Requests, failures, retries and latency over all replicas, in all and by service",
                answers: [.ok("Statistics", "What callers got: at this replica until now, at others a second ago.")],
                handler: reads.stats
            ),
        ]
    }

    private static func explain(_ reads: ClusterReads) -> Route {
        Route(
            method: .get,
            path: "/explain",
            name: "explain",
            tag: self.tag,
            summary: "Each instance, and why it would or would not be picked now",
            parameters: [
                .init(
                    name: "model_type",
                    place: .query,
                    about: "What would be asked for.",
                    schema: ["type": "string"],
                    isRequired: true
                ),
                .query("model_version", "A version or an alias; latest when absent.", ["type": "string"]),
                .query("capability", "prediction when absent.", ["type": "string"]),
            ],
            answers: [.ok("Explanation", "The candidates.")],
            problems: [.validationError, .modelNotFound, .versionNotFound, .storeUnavailable],
            handler: reads.explain
        )
    }

    private static func events(_ events: Events) -> Route {
        Route(
            method: .get,
            path: "/events",
            name: "listEvents",
            tag: self.tag,
            summary: "What happened: who did what to what",
            parameters: [
                .query(
                    "after",
                    "Continue after this event; 0: from the oldest one kept. Left out: the newest ones.",
                    ["type": "string"]
                ),
                .query(
                    "limit",
                    "How many at most; a page has 1000 however many are asked for.",
                    ["type": "integer", "minimum": 1, "maximum": 10_000, "default": 1000]
                ),
                .query("follow", "Stream server-sent events as they happen.", ["type": "boolean"]),
                .header("last-event-id", "Where a broken stream goes on; goes before `after`.", ["type": "string"]),
            ],
            answers: [
                .ok("EventList", "The events, oldest first."),
                .init(status: 200, about: "With follow=true.", media: "text/event-stream", schema: "EventStream"),
            ],
            problems: [.validationError, .notFound, .overloaded, .storeUnavailable],
            handler: events.show
        )
    }

    private static func metrics(_ metrics: Metrics) -> Route {
        Route(
            method: .get,
            path: "/metrics",
            name: "getMetrics",
            tag: self.tag,
            summary: "Metrics for Prometheus, in OpenMetrics when asked for",
            answers: [
                .init(status: 200, about: "The metrics.", media: "text/plain", schema: "MetricsText"),
                .init(status: 200, about: "", media: "application/openmetrics-text", schema: "MetricsText"),
            ],
            negotiates: false,
            handler: metrics.show
        )
    }
}
