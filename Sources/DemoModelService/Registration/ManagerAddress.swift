import Foundation

/// Where a manager listens: `http://HOST[:PORT]`, with an optional path in front of its routes.
struct ManagerAddress: Sendable, Equatable {
    let host: String
    let port: Int
    let prefix: String

    init?(_ text: String) {
        guard let url = URLComponents(string: text), url.scheme == "http", let host = url.host, !host.isEmpty,
            url.query == nil, url.user == nil, (1...65_535).contains(url.port ?? 80)
        else { return nil }
        self.host = host
        self.port = url.port ?? 80
        self.prefix = url.path.hasSuffix("/") ? String(url.path.dropLast()) : url.path
    }
}
