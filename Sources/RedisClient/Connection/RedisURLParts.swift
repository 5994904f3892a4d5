/// The pieces of a Redis URL. Its errors name the piece, never the whole URL: that holds the password.
struct RedisURLParts {
    let scheme: String
    let user: String?
    let password: String?
    let authority: String
    let path: String
    private let options: [String: String]

    init(_ url: String) throws(RedisError) {
        guard let (scheme, rest) = Self.split(url, at: "://") else {
            throw Self.invalid("no scheme: it begins with redis://, rediss://, unix:// or redis+sentinel://")
        }
        let (location, query) = Self.split(rest, at: "?") ?? (rest, "")
        let slash = location.firstIndex(of: "/") ?? location.endIndex
        let server = String(location[..<slash])
        let at = server.lastIndex(of: "@")
        let credentials = at.map { String(server[..<$0]) } ?? ""
        self.scheme = scheme.lowercased()
        self.path = String(location[slash...])
        self.authority = at.map { String(server[server.index(after: $0)...]) } ?? server
        (self.user, self.password) = try Self.credentials(credentials)
        self.options = try Self.options(query)
    }

    /// The value of an option.
    func option(_ name: String, allowed: Bool) throws(RedisError) -> String? {
        guard let value = self.options[name] else { return nil }
        guard allowed else { throw Self.invalid("?\(name)= has no meaning here") }
        return value
    }

    static func invalid(_ reason: String) -> RedisError {
        RedisError(.invalidConfiguration, "invalid Redis URL: \(reason)")
    }

    static func database(_ text: String?) throws(RedisError) -> Int {
        guard let text else { return 0 }
        guard let number = Int(text), (0...65535).contains(number) else {
            throw Self.invalid("the database '\(text)' is no number from 0 to 65535")
        }
        return number
    }

    static func host(_ text: String, defaultPort: Int) throws(RedisError) -> RedisAddress.SentinelHost {
        var host = text[...]
        var port = defaultPort
        let closing = host.lastIndex(of: "]")
        if let colon = host.lastIndex(of: ":"), colon > closing ?? host.startIndex || host.first == ":" {
            guard let number = Int(host[host.index(after: colon)...]), (1...65535).contains(number) else {
                throw Self.invalid("the port '\(host[host.index(after: colon)...])' is no number from 1 to 65535")
            }
            (port, host) = (number, host[..<colon])
        }
        if host.first == "[", host.last == "]" { host = host.dropFirst().dropLast() }
        return .init(host: String(host), port: port)
    }

    private static func credentials(_ text: String) throws(RedisError) -> (user: String?, password: String?) {
        guard !text.isEmpty else { return (nil, nil) }
        guard let (user, password) = Self.split(text, at: ":") else {
            throw Self.invalid("credentials are user:password@ or :password@")
        }
        return (user.isEmpty ? nil : try Self.decoded(user), try Self.decoded(password))
    }

    private static let optionNames = ["db", "ca", "sentinel_user", "sentinel_password"]

    private static func options(_ query: String) throws(RedisError) -> [String: String] {
        var options: [String: String] = [:]
        for pair in query.split(separator: "&") {
            guard let (name, value) = Self.split(String(pair), at: "="), Self.optionNames.contains(name) else {
                let names = Self.optionNames.joined(separator: ", ")
                throw Self.invalid("the option '\(pair.prefix { $0 != "=" })' is none of \(names)")
            }
            options[name] = try Self.decoded(value)
        }
        return options
    }

    private static func split(_ text: String, at separator: String) -> (String, String)? {
        guard let range = text.firstRange(of: separator) else { return nil }
        return (String(text[..<range.lowerBound]), String(text[range.upperBound...]))
    }

    private static func decoded(_ text: String) throws(RedisError) -> String {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            let digits = String(decoding: rest.prefix(2), as: UTF8.self)
            guard digits.utf8.count == 2, let value = UInt8(digits, radix: 16) else {
                throw Self.invalid("a % that no two hexadecimal digits follow")
            }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
