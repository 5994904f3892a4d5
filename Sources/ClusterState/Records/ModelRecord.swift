internal import Registry

/// What a model type's hash in Redis means: `latest` and `alias:<name>`, the split, the shadow, what is recorded, the exceptions of versions
/// (`state:<v>`, `since:<v>`, `until:<v>`, `why:<v>`), their deployments (`deploy:<v>`, `deployed:<v>`, `hosts:<v>`), what
/// tests of versions found (`verdict:<v>`; `evaluations:<v>`, a line of JSON each), whether switches demand a test
/// (`require_evaluation`), and the rollout (`rollout:…`).
///
/// All but the pointers themselves is kept aside as it stands, too: what is given back to Redis is what it had.
enum ModelRecord {
    private static let aliasPrefix = "alias:"

    static func fields(of pointers: ModelPointers, stamp: Epoch, unknown: [String: String]) -> [String: String] {
        var fields = unknown
        fields["epoch"] = stamp.description
        fields["latest"] = pointers.latest?.text
        for (alias, version) in pointers.aliases {
            fields[Self.aliasPrefix + alias.text] = version.text
        }
        return fields
    }

    static func decode(
        type: String,
        fields: [String: String]
    ) throws(RecordError) -> (type: ModelType, pointers: ModelPointers, unknown: [String: String]) {
        guard !fields.isEmpty else { throw RecordError("has no fields") }
        guard let type = ModelType(type) else { throw RecordError("has an id that is no model type") }
        var pointers = ModelPointers()
        var unknown: [String: String] = [:]
        for (field, value) in fields where field != "epoch" {
            if field == "latest" {
                pointers.latest = try Self.version(value, field)
            } else if field.hasPrefix(Self.aliasPrefix), let alias = ModelVersion(String(field.dropFirst(6))) {
                pointers.aliases[alias] = try Self.version(value, field)
            } else {
                unknown[field] = value
                try Self.note(field, value, in: &pointers)
                try DeploymentFields.note(field, value, fields, in: &pointers)
            }
        }
        pointers.split = try Self.split(fields["split"] ?? "")
        pointers.shadow = try fields["shadow"].map(Self.shadow)
        pointers.recording = try fields["recording"].map(Self.recording)
        pointers.history = try Self.list(fields["history"] ?? "", "history")
        pointers.rollout = try RolloutFields(fields).rollout()
        pointers.requiresEvaluation = fields["require_evaluation"] == "true"
        return (type, pointers, unknown)
    }

    /// The text of a split: `v1=90,v2=10`, sorted by version, so that equal splits are equal texts.
    static func text(of split: [ModelVersion: Int]) -> String {
        split.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ",")
    }

    /// The text of a shadow: `v3=25 prediction`; empty when there is none.
    static func text(of shadow: Shadow?) -> String {
        shadow.map { "\($0.version)=\($0.percent) \($0.field)" } ?? ""
    }

    /// The text of a recording: `10000 1000`, of a million requests and how many at most; empty when there is none.
    static func text(of recording: Recording?) -> String {
        recording.map { "\($0.perMillion) \($0.limit)" } ?? ""
    }

    private static func recording(_ text: String) throws(RecordError) -> Recording {
        let numbers = text.split(separator: " ").compactMap { Int($0) }
        guard numbers.count == 2, (1...1_000_000).contains(numbers[0]), (1...Recording.limitMax).contains(numbers[1])
        else { throw RecordError("has a recording that makes no sense") }
        return Recording(perMillion: numbers[0], limit: numbers[1])
    }

    private static func shadow(_ text: String) throws(RecordError) -> Shadow {
        let words = text.split(separator: " ", maxSplits: 1)
        guard words.count == 2, let share = try Self.split(String(words[0])).first, share.value > 0 else {
            throw RecordError("has a shadow that makes no sense")
        }
        return Shadow(version: share.key, percent: share.value, field: String(words[1]))
    }

    private static func note(_ field: String, _ value: String, in pointers: inout ModelPointers) throws(RecordError) {
        let parts = field.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, let version = ModelVersion(String(parts[1])) else { return }
        switch parts[0] {
        case "state":
            guard let state = VersionState(rawValue: value) else {
                throw RecordError("has a \(field) that is no state")
            }
            pointers.notes[version, default: VersionNote()].state = state
        case "since":
            pointers.notes[version, default: VersionNote()].since = Int64(value).map { Timestamp(milliseconds: $0) }
        case "until": pointers.notes[version, default: VersionNote()].until = Int64(value)
        case "evaluations":
            let lines = value.split(separator: "\n").compactMap { try? JSONValue.parse(String($0)) }
            pointers.notes[version, default: VersionNote()].evaluations = lines
        case "why": pointers.notes[version, default: VersionNote()].why = value
        default: break
        }
    }

    private static func split(_ text: String) throws(RecordError) -> [ModelVersion: Int] {
        var split: [ModelVersion: Int] = [:]
        for part in text.split(separator: ",") {
            let sides = part.split(separator: "=")
            guard sides.count == 2, let version = ModelVersion(String(sides[0])), let share = Int(sides[1]),
                (0...100).contains(share)
            else { throw RecordError("has a split that makes no sense") }
            split[version] = share
        }
        return split
    }

    private static func list(_ text: String, _ field: String) throws(RecordError) -> [ModelVersion] {
        var versions: [ModelVersion] = []
        for part in text.split(separator: ",") { versions.append(try Self.version(String(part), field)) }
        return versions
    }

    private static func version(_ text: String, _ field: String) throws(RecordError) -> ModelVersion {
        guard let version = ModelVersion(text) else { throw RecordError("has a \(field) that is no version") }
        return version
    }
}
