internal import HTTPTypes
internal import Registry

/// The rows of the table about services.
enum ServiceRoutes {
    static func routes(_ reads: ServiceReads, _ writes: ServiceWrites, _ health: ServiceHealth) -> [Route] {
        Self.listing(reads, writes) + Self.single(reads, writes) + Self.rotation(writes, health)
    }

    private static let id = Route.Parameter.path("service_id", "Names the service.")
    private static let tag = "services"
    private static let single: [Problem.Code] = [.validationError, .serviceNotFound, .storeUnavailable]

    private static func listing(_ reads: ServiceReads, _ writes: ServiceWrites) -> [Route] {
        [
            Route(
                method: .get,
                path: "/services",
                name: "listServices",
                tag: self.tag,
                summary: "All services, filtered and paged",
                parameters: self.filters,
                answers: [
                    .ok("ServiceList", "The services, sorted by id; the ETag is the registry's epoch."),
                    .init(status: 304, about: "Nothing has changed since the ETag sent in If-None-Match."),
                ],
                problems: [.validationError, .storeUnavailable],
                handler: reads.list
            ),
            Route(
                method: .post,
                path: "/services/register",
                name: "registerService",
                tag: self.tag,
                summary: "Register a service, or change one; idempotent by service_id",
                body: "ServiceForm",
                bodyExample: [
                    "service_id": "lstm_model_v2", "service_url": "http://lstm_model:8000", "model_type": "LSTM",
                    "capabilities": ["training", "prediction"],
                ],
                answers: [
                    .ok("Service", "Registered before; changed or the same."),
                    .init(status: 201, about: "New.", schema: "Service"),
                ],
                problems: [.validationError, .payloadTooLarge, .storeUnavailable, .draining],
                handler: writes.register
            ),
        ]
    }

    private static let filters: [Route.Parameter] = [
        .query("model_type", "Only services of this model type.", ["type": "string"]),
        .query("capability", "Only services that offer this capability.", ["type": "string"]),
        .query(
            "status",
            "Only services in this status.",
            ["type": "string", "enum": JSONValue(ServiceCondition.Status.allCases.map(\.rawValue))]
        ),
        .query(
            "limit",
            "How many at most.",
            ["type": "integer", "minimum": 1, "maximum": 10_000, "default": 1000]
        ),
        .query("after", "Continue after this id: the `next` of the page before.", ["type": "string"]),
    ]

    private static func single(_ reads: ServiceReads, _ writes: ServiceWrites) -> [Route] {
        [
            Route(
                method: .get,
                path: "/services/{service_id}",
                name: "getService",
                tag: self.tag,
                summary: "One service",
                parameters: [self.id],
                answers: [.ok("Service", "The service.")],
                problems: self.single,
                handler: reads.show
            ),
            Route(
                method: .patch,
                path: "/services/{service_id}",
                name: "changeService",
                tag: self.tag,
                summary: "Change weight, timeout, limit, metadata or capabilities",
                parameters: [self.id],
                body: "ServiceChange",
                bodyExample: ["weight": 50],
                answers: [.ok("Service", "As it is now.")],
                problems: self.single + [.payloadTooLarge],
                handler: writes.change
            ),
            Route(
                method: .delete,
                path: "/services/{service_id}",
                name: "removeService",
                tag: self.tag,
                summary: "Remove a service, at once or after its last request",
                parameters: [
                    self.id,
                    .query(
                        "drain",
                        "Wait for the requests that run, at every replica; the service's timeout at most.",
                        ["type": "boolean"]
                    ),
                ],
                answers: [.ok("Removal", "Removed.")],
                problems: self.single + [.draining],
                handler: writes.remove
            ),
        ]
    }

    private static func rotation(_ writes: ServiceWrites, _ health: ServiceHealth) -> [Route] {
        [
            Route(
                method: .get,
                path: "/services/{service_id}/health",
                name: "getServiceHealth",
                tag: self.tag,
                summary: "What probes and traffic say of each instance",
                parameters: [self.id, .query("probe", "Probe now, then answer.", ["type": "boolean"])],
                answers: [.ok("ServiceHealth", "The health of the service.")],
                problems: self.single,
                handler: health.show
            ),
            Route(
                method: .post,
                path: "/services/{service_id}/heartbeat",
                name: "sendHeartbeat",
                tag: self.tag,
                summary: "Renew the lease of a service that has one",
                parameters: [self.id],
                answers: [.ok("Heartbeat", "The new lease in seconds; null for a service without one.")],
                problems: self.single,
                handler: writes.heartbeat
            ),
            Route(
                method: .post,
                path: "/services/{service_id}/drain",
                name: "drainService",
                tag: self.tag,
                summary: "Take a service out of rotation",
                parameters: [self.id],
                answers: [.ok("Service", "It gets no new requests; those that run end.")],
                problems: self.single,
                handler: writes.drain
            ),
            Route(
                method: .delete,
                path: "/services/{service_id}/drain",
                name: "undrainService",
                tag: self.tag,
                summary: "Put a service back into rotation",
                parameters: [self.id],
                answers: [.ok("Service", "It gets requests again.")],
                problems: self.single,
                handler: writes.putBack
            ),
        ]
    }
}
