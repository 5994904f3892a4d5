internal import HTTPTypes
internal import Hummingbird
internal import Registry

/// The row of the table about keys: which this replica accepts now. What they look like nobody is told, for nobody knows.
enum AccessRoutes {
    static func routes(_ access: AccessGuard?, _ clocks: ReplicaClocks) -> [Route] {
        [
            Route(
                method: .get,
                path: "/keys",
                name: "listKeys",
                tag: "replica",
                summary: "The keys of AUTH_KEYS_FILE that this replica accepts; none when authentication is off",
                answers: [.ok("KeyList", "Whom they stand for, and what he may do.")],
                access: .role(.admin),
                handler: { _ in
                    let now = clocks.wall()
                    return .json(["keys": .array(access?.keyHolders.map { Self.json($0, now) } ?? [])])
                }
            )
        ]
    }

    private static func json(_ principal: Principal, _ now: Timestamp) -> JSONValue {
        [
            "id": .string(principal.id), "role": .string(principal.role.rawValue),
            "services": principal.scope.map { JSONValue($0.services.map(\.description)) } ?? .null,
            "expires": JSONValue(principal.expires?.description), "expired": .bool(principal.isExpired(at: now)),
        ]
    }
}
