/// What `POST /train` asks for. Members that are not named here are the trainer's business and reach it as they are.
public struct TrainingRequest: Hashable, Sendable {
    public var modelType: ModelType
    /// A version or alias whose services may train; nil: any of the model type, those of `latest` first.
    public var modelVersion: ModelVersion?
    public var dataSource: DataSource?
    /// How the version that comes of it is tested, and whether it is then promoted: an `EvaluationForm`.
    public var validation: JSONValue?
    /// From when it was submitted until it must have ended, waiting included. Much longer than any request's deadline:
    /// a trainer may take hours, and one that answers only when it is done is waited for as long.
    public var timeout: Duration
    /// The whole body.
    private let body: JSONObject

    public static let timeoutDefault = Duration.seconds(86_400)
    public static let timeoutSecondsMax = 604_800.0
    /// Members for the manager, which the trainer does not get.
    private static let ours = ["data_source", "validation", "timeout"]

    /// Checks every member and gives back the request, or every fault at once.
    public static func read(_ value: JSONValue, at loc: [String] = ["body"]) throws(FormProblems) -> TrainingRequest {
        var fields = try FormFields(value, at: loc)
        let type = fields.name("model_type", ModelType.self)
        if type == nil, fields.member("model_type") == nil { fields.missing("model_type") }
        let version = fields.name("model_version", ModelVersion.self)
        for name in ["config", "validation"] {
            if let given = fields.member(name), given.asObject == nil { fields.notAnObject(name, given) }
        }
        let timeout = fields.seconds("timeout", atMost: Self.timeoutSecondsMax)
        let source = fields.member("data_source")
        if source != nil, fields.member("data") != nil {
            fields.fault("data", .value, "cannot be given beside data_source")
        }
        var faults = fields.problems
        if let validation = fields.member("validation"), validation.asObject != nil {
            do throws(FormProblems) {
                _ = try EvaluationForm.read(validation, at: loc + ["validation"], mayPromote: true)
            } catch {
                faults += error.problems
            }
        }
        var dataSource: DataSource?
        if let source {
            do throws(FormProblems) {
                dataSource = try DataSource.read(source, at: loc + ["data_source"])
            } catch {
                faults += error.problems
            }
        }
        guard let type, let body = value.asObject, faults.isEmpty else { throw FormProblems(faults) }
        return TrainingRequest(
            modelType: type,
            modelVersion: version,
            dataSource: dataSource,
            validation: fields.member("validation"),
            timeout: timeout ?? Self.timeoutDefault,
            body: body
        )
    }

    /// The source as the caller wrote it.
    public var dataSourceJSON: JSONValue? { self.body["data_source"].flatMap { $0 == .null ? nil : $0 } }

    /// Whether the trainer gets the body as it came.
    public var isPassedAsItIs: Bool { !Self.ours.contains { self.body[$0] != nil } }

    /// The body for the trainer, with what was added.
    public func trainerBody(adding members: [(String, JSONValue)]) -> JSONValue {
        var body = self.body
        for name in Self.ours { body[name] = nil }
        for (name, value) in members { body[name] = value }
        return .object(body)
    }
}
