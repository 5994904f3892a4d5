import Glibc

/// Finds a `redis-server` that is new enough: Functions came with Redis 7.
public struct ServerProgram: Sendable, Hashable {
    /// The oldest major version that will do.
    public static let majorVersionMin = 7

    public let path: String
    /// Such as `7.0.15`.
    public let version: String

    /// Looks into the directories of `searchPath`, which is written as `PATH` is and is that unless given, and then into
    /// `/usr/bin`.
    public static func find(searchPath: String? = nil) throws(PrivateRedisError) -> ServerProgram {
        guard let path = self.locate("redis-server", searchPath: searchPath) else {
            throw PrivateRedisError(.serverMissing, "redis-server not found: install it or set REDIS_URL")
        }
        guard let version = Self.version(printedBy: try Subprocess.output(of: path, ["--version"])) else {
            throw PrivateRedisError(.serverUnusable, "\(path) --version prints no version: is it a redis-server?")
        }
        guard let major = Int(version.prefix { $0 != "." }), major >= Self.majorVersionMin else {
            throw PrivateRedisError(
                .serverUnusable,
                "\(path) is version \(version), needed is \(Self.majorVersionMin) or newer: install it or set REDIS_URL"
            )
        }
        return ServerProgram(path: path, version: version)
    }

    static func locate(_ name: String, searchPath: String? = nil) -> String? {
        let directories = (searchPath ?? Self.environmentPath).split(separator: ":").map(String.init) + ["/usr/bin"]
        return directories.lazy.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    /// Redis prints `Redis server v=7.0.15 sha=…`, Valkey `Server v=8.0.1 …`.
    private static func version(printedBy text: String) -> String? {
        guard let start = text.firstRange(of: "v=")?.upperBound else { return nil }
        let version = text[start...].prefix { $0.isNumber || $0 == "." }
        return version.isEmpty ? nil : String(version)
    }

    private static var environmentPath: String {
        getenv("PATH").map { String(cString: $0) } ?? ""
    }
}
