internal import Registry

/// The values of a record's fields as texts.
enum FieldText {
    /// Seconds, such as `30` or `0.25`; empty for none.
    static func seconds(_ duration: Duration?) -> String {
        guard let duration else { return "" }
        let text = String(duration.inSeconds)
        return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }

    /// A JSON object with its keys in order, so that equal maps are equal texts; empty for an empty map.
    static func json(_ map: [String: String]) -> String {
        guard !map.isEmpty else { return "" }
        var object = JSONObject()
        for (name, value) in map.sorted(by: { $0.key < $1.key }) { object[name] = .string(value) }
        return JSONValue.object(object).serialized()
    }

    /// Nil when the text is no JSON object of texts.
    static func map(_ json: String) -> [String: String]? {
        guard let object = try? JSONValue.parse(json).asObject else { return nil }
        var map: [String: String] = [:]
        for member in object.members {
            guard let text = member.value.asString else { return nil }
            map[member.name] = text
        }
        return map
    }
}
