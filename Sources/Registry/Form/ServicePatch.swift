/// A change of a registered service: the fields that are not nil replace the old ones.
///
/// Only what can change without the service becoming another one. A field sent as `null` goes back to its default.
public struct ServicePatch: Hashable, Sendable {
    public var weight: Int?
    /// `.some(nil)`: back to `SERVICE_TIMEOUT`.
    public var timeout: Duration??
    /// `.some(nil)`: no limit.
    public var concurrentRequestsMax: Int??
    public var metadata: [String: String]?
    public var capabilities: [String]?

    public init() {}

    /// Checks every field and gives back the change, or every fault at once.
    public static func read(_ value: JSONValue, at loc: [String] = ["body"]) throws(FormProblems) -> ServicePatch {
        var fields = try FormFields(value, at: loc)
        var patch = ServicePatch()
        let nulls = Set((value.asObject?.members ?? []).filter { $0.value == .null }.map(\.name))
        patch.weight = fields.weight() ?? (nulls.contains("weight") ? ServiceDefinition.weightDefault : nil)
        let timeout = fields.timeout()
        if timeout != nil || nulls.contains("timeout") { patch.timeout = .some(timeout) }
        let limit = fields.concurrentRequests()
        if limit != nil || nulls.contains("max_concurrent_requests") {
            patch.concurrentRequestsMax = .some(limit == 0 ? nil : limit)
        }
        patch.metadata = fields.metadata() ?? (nulls.contains("metadata") ? [:] : nil)
        patch.capabilities = fields.capabilities() ?? (nulls.contains("capabilities") ? [] : nil)
        try fields.finish()
        return patch
    }

    public func applied(to definition: ServiceDefinition) -> ServiceDefinition {
        var changed = definition
        if let weight = self.weight { changed.weight = weight }
        if let timeout = self.timeout { changed.timeout = timeout }
        if let limit = self.concurrentRequestsMax { changed.concurrentRequestsMax = limit }
        if let metadata = self.metadata { changed.metadata = metadata }
        if let capabilities = self.capabilities { changed.capabilities = capabilities }
        return changed
    }
}
