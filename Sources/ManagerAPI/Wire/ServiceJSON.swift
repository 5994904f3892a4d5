internal import Registry

/// A service as callers see it: what was registered, what the store stamped on it, and how it does now.
enum ServiceJSON {
    static func json(_ service: Service, _ condition: ServiceCondition) -> JSONValue {
        var json = ServiceForm.json(service.definition)
        json["status"] = .string(condition.status.rawValue)
        json["circuit_breaker"] = .string(condition.breaker.rawValue)
        json["in_flight"] = JSONValue(condition.inFlight)
        json["registered_at"] = .string(service.registeredAt.description)
        json["source"] = .string(service.source.rawValue)
        json["epoch"] = .integer(service.epoch.rawValue)
        return .object(json)
    }
}
