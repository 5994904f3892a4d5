internal import Foundation
internal import HTTPTypes
internal import Registry

/// What a request shows to be let in: a key or a token, and the header in which it stands.
///
/// `x-api-key` comes before `Authorization`, so that a caller can show a key to the manager and something else to a
/// service that asked for its callers' credentials.
struct ShownCredential: Hashable {
    let text: String
    let header: HTTPField.Name

    static let bytesMax = 8 * 1024

    /// Nil: nothing is shown. Header lines that stand twice are refused: two readers could choose differently.
    init?(_ headers: HTTPFields, of method: HTTPRequest.Method) throws(AccessFault) {
        if let key = try Self.single(.apiKey, headers) {
            (self.text, self.header) = (key, .apiKey)
        } else if let value = try Self.single(.authorization, headers) {
            (self.text, self.header) = (try Self.credential(value, method), .authorization)
        } else {
            return nil
        }
        guard !self.text.isEmpty else { throw .malformed("the credential is empty") }
        guard self.text.utf8.count <= Self.bytesMax else {
            throw .malformed("the credential is longer than \(Self.bytesMax) bytes")
        }
    }

    private static func single(_ name: HTTPField.Name, _ headers: HTTPFields) throws(AccessFault) -> String? {
        let values = headers[values: name]
        guard values.count <= 1 else { throw .malformed("\(name) stands there \(values.count) times") }
        return values.first
    }

    private static func credential(_ value: String, _ method: HTTPRequest.Method) throws(AccessFault) -> String {
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2 else { throw .malformed("Authorization must be Bearer and a key or token") }
        let shown = parts[1].trimmingCharacters(in: .whitespaces)
        switch parts[0].lowercased() {
        case "bearer": return shown
        case "basic": return try self.password(shown, method)
        default: throw .malformed("Authorization must be Bearer and a key or token")
        }
    }

    /// Browsers ask their users for a name and a password, and then send both to this place by themselves, also when another
    /// site's page makes them: so it counts for reading alone.
    private static func password(_ shown: String, _ method: HTTPRequest.Method) throws(AccessFault) -> String {
        guard method == .get || method == .head else {
            throw .malformed("Authorization: Basic is for reading in a browser; use Bearer")
        }
        guard let data = Data(base64Encoded: shown), let text = String(data: data, encoding: .utf8),
            let colon = text.firstIndex(of: ":")
        else { throw .malformed("Authorization: Basic must be base64 of name:key") }
        let password = text[text.index(after: colon)...]
        return String(password.isEmpty ? text[..<colon] : password)
    }
}
