internal import Registry

/// What a model type's hash in Redis means: `latest`, and `alias:<name>` for every other alias.
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
            }
        }
        return (type, pointers, unknown)
    }

    private static func version(_ text: String, _ field: String) throws(RecordError) -> ModelVersion {
        guard let version = ModelVersion(text) else { throw RecordError("has a \(field) that is no version") }
        return version
    }
}
