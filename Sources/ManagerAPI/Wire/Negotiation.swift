internal import HTTPTypes
internal import Registry

/// What the caller sends and wants: 415 and 406.
enum Negotiation {
    /// - Throws: `unsupported_media_type` for a body that says it is no JSON; saying nothing is fine.
    static func requireJSON(_ headers: HTTPFields) throws(Problem) {
        guard let sent = headers[.contentType], !sent.isEmpty else { return }
        let media = Self.essence(sent[...])
        guard media == "application/json" || media == "text/json" || media.hasSuffix("+json") else {
            throw Problem(.unsupportedMediaType, "the body must be application/json, not \(media.prefix(100))")
        }
    }

    /// - Throws: `not_acceptable` when none of the media types is accepted.
    static func requireAcceptable(_ media: [String], _ headers: HTTPFields) throws(Problem) {
        guard let accepted = headers[.accept], !accepted.isEmpty else { return }
        let ranges = accepted.split(separator: ",").filter { !Self.isRefused($0) }.map { Self.essence($0) }
        let fits = ranges.contains { range in media.contains { Self.covers(range, Self.essence($0[...])) } }
        guard fits else {
            throw Problem(.notAcceptable, "this route answers \(Set(media).sorted().joined(separator: ", "))")
        }
    }

    static func accepts(_ media: String, _ headers: HTTPFields) -> Bool {
        let ranges = (headers[.accept] ?? "").split(separator: ",")
        return ranges.contains { !Self.isRefused($0) && Self.essence($0) == media }
    }

    private static func covers(_ range: String, _ media: String) -> Bool {
        range == "*/*" || range == media || (range.hasSuffix("/*") && media.hasPrefix(range.dropLast()))
    }

    /// The media type without its parameters, in lower case.
    private static func essence(_ text: Substring) -> String {
        let end = text.firstIndex(of: ";") ?? text.endIndex
        return String(text[..<end].filter { $0 != " " && $0 != "\t" }).lowercased()
    }

    private static func isRefused(_ range: Substring) -> Bool {
        let parameters = range.split(separator: ";").dropFirst().map { $0.filter { $0 != " " } }
        return parameters.contains { $0.hasPrefix("q=0") && $0.dropFirst(3).allSatisfy { $0 == "." || $0 == "0" } }
    }
}
