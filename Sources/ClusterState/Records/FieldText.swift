internal import FoundationEssentials
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
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        let data = try? encoder.encode(map)  // a map of texts always encodes
        return data.map { String(decoding: $0, as: UTF8.self) } ?? ""
    }

    /// Nil when the text is no JSON object of texts.
    static func map(_ json: String) -> [String: String]? {
        try? JSONDecoder().decode([String: String].self, from: Data(json.utf8))
    }
}
