/// What a client of the model repository extension says when it has a model loaded or unloaded: `parameters`, and in them
/// what is the server's business. `version` and `artifact` are the manager's, the rest goes to the services.
///
/// The protocol itself knows models alone, no versions; clients that cannot add a parameter name the version in the query.
public struct RepositoryForm: Hashable, Sendable {
    /// A version or an alias. Nil: as `latest`.
    public var version: ModelVersion?
    public var artifact: String?
    /// Nil when nothing is left for the services.
    public var parameters: JSONValue?

    /// What only clients of servers with model ensembles mean; nothing depends on a model here.
    private static let ignored = "unload_dependents"

    public static func read(_ value: JSONValue, at loc: [String] = ["body"]) throws(FormProblems) -> RepositoryForm {
        guard value.asObject != nil else {
            let message = "must be an object, not \(value.kindName)"
            throw FormProblems([FormProblem(loc: loc, msg: message, type: .dictType)])
        }
        let place = loc + ["parameters"]
        guard let parameters = value["parameters"], parameters != .null else { return RepositoryForm() }
        var fields = try FormFields(parameters, at: place)
        let version = fields.name("version", ModelVersion.self)
        let artifact = fields.string("artifact")
        if let artifact, artifact.utf8.count > DeployForm.artifactBytesMax {
            fields.fault("artifact", .value, "must not be longer than \(DeployForm.artifactBytesMax) bytes")
        }
        var rest = JSONObject()
        for member in parameters.asObject?.members ?? []
        where !["version", "artifact", Self.ignored].contains(member.name) {
            rest[member.name] = member.value
        }
        if JSONValue.object(rest).serialized().utf8.count > DeployForm.parametersBytesMax {
            let message = "must not be longer than \(DeployForm.parametersBytesMax) bytes"
            throw FormProblems(fields.problems + [FormProblem(loc: place, msg: message, type: .value)])
        }
        guard fields.problems.isEmpty else { throw FormProblems(fields.problems) }
        return RepositoryForm(
            version: version,
            artifact: artifact,
            parameters: rest.isEmpty ? nil : .object(rest)
        )
    }
}
