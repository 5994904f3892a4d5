internal import Registry

/// The fields of a model type's hash that tell of deployments: `deploy:<v>` is the order, `deployed:<v>` what became of
/// it (`a=loaded;b=skipped it cannot load versions`), `hosts:<v>` the services that have the version by one (`a,c`).
enum DeploymentFields {
    static func note(
        _ field: String,
        _ value: String,
        _ fields: [String: String],
        in pointers: inout ModelPointers
    ) throws(RecordError) {
        let parts = field.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let version = ModelVersion(String(parts[1])) else { return }
        switch parts[0] {
        case "hosts": pointers.hosts[version] = value.split(separator: ",").compactMap { ServiceID(String($0)) }
        case "deploy":
            guard let order = try? JSONValue.parse(value), var deployment = Deployment(order: order) else {
                throw RecordError("has a \(field) that is no order")
            }
            deployment.outcomes = Self.outcomes(fields["deployed:\(version)"] ?? "")
            pointers.deployments[version] = deployment
        default: break
        }
    }

    /// A reason as it may stand in `deployed:<v>`: short, and without what separates.
    static func reason(_ outcome: Deployment.Outcome) -> String {
        String((outcome.reason ?? "").prefix(300).map { $0 == ";" || $0.isNewline ? "," : $0 })
    }

    private static func outcomes(_ text: String) -> [ServiceID: Deployment.Outcome] {
        var outcomes: [ServiceID: Deployment.Outcome] = [:]
        for part in text.split(separator: ";") {
            guard let equals = part.firstIndex(of: "="), let service = ServiceID(String(part[..<equals])) else {
                continue
            }
            let words = part[part.index(after: equals)...].split(separator: " ", maxSplits: 1)
            let reason = words.count > 1 ? String(words[1]) : ""
            outcomes[service] = words.first.flatMap { Deployment.Outcome(name: String($0), reason: reason) }
        }
        return outcomes
    }
}
