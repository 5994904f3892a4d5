/// What the body of a service's error says to people, whatever server made it.
///
/// Servers agree on no form: `{"error": "…"}` (Triton, MLServer), `{"detail": "…"}` or `{"detail": [{"loc", "msg"}]}`
/// (FastAPI), `{"message": "…"}` (TorchServe), or no JSON at all.
public enum ServiceErrorText {
    public static let charactersMax = 1000

    public static func of(_ body: [UInt8]) -> String {
        let text = (try? JSONValue.parse(body)).map { self.text(in: $0) } ?? String(decoding: body, as: UTF8.self)
        return text.isEmpty ? "the service says no more" : String(text.prefix(self.charactersMax))
    }

    private static func text(in value: JSONValue) -> String {
        if let text = value.asString { return text }
        if let list = value.asArray, !list.isEmpty {
            let faults = list.compactMap { self.fault($0) }
            return faults.count == list.count ? faults.joined(separator: "; ") : value.serialized()
        }
        for name in ["error", "detail", "message"] {
            if let told = value[name], told != .null { return self.text(in: told) }
        }
        return value.asObject?.isEmpty == true ? "" : value.serialized()
    }

    /// One entry of a list such as `[{"loc": ["body", "data"], "msg": "Field required"}]`.
    private static func fault(_ value: JSONValue) -> String? {
        guard let message = value["msg"]?.asString else { return nil }
        let place = (value["loc"]?.asArray ?? []).map { $0.asString ?? $0.serialized() }.joined(separator: ".")
        return place.isEmpty ? message : "\(place): \(message)"
    }
}
