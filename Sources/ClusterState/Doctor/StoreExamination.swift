/// What a Redis holds of a cluster, and how it is set up, as it was read at one time; the rules of `StoreDoctor` judge it.
///
/// What may not be read (`CONFIG` is forbidden to many users) is missing here and is not judged.
public struct StoreExamination: Hashable, Sendable {
    public struct Key: Hashable, Sendable {
        /// Without the prefix.
        public var name: String
        public var type: String
        public var expires = false

        public init(name: String, type: String, expires: Bool = false) {
            self.name = name
            self.type = type
            self.expires = expires
        }
    }

    public var namespace: String
    /// Redis' clock, in milliseconds.
    public var time: Int64 = 0
    /// `CONFIG GET`; empty when it is forbidden.
    public var settings: [String: String] = [:]
    /// `INFO`.
    public var information: [String: String] = [:]
    /// Names of functions by the name of their library; nil when `FUNCTION LIST` is forbidden.
    public var libraries: [String: [String]]? = [:]
    public var keys: [Key] = []
    /// There are more keys than were read.
    public var isCut = false
    public var meta: [String: String] = [:]
    /// Stamps by id.
    public var services: [String: Int64] = [:]
    public var models: [String: Int64] = [:]
    public var leases: Set<String> = []
    /// Deadlines on the lease clock.
    public var sessions: [String: Int64] = [:]
    public var leader: [String: String] = [:]
    /// The session of each replica that has a hash.
    public var replicaSessions: [String: String] = [:]
    /// Who holds or awaits permits, by the key's name.
    public var holders: [String: Set<String>] = [:]
    public var help: String?

    public init(namespace: String) {
        self.namespace = namespace
    }

    /// Names of keys that begin so, without that beginning.
    func names(_ start: String) -> [String] {
        self.keys.filter { $0.name.hasPrefix(start) }.map { String($0.name.dropFirst(start.count)) }.sorted()
    }

    func number(_ field: String, of fields: [String: String]) -> Int64? {
        fields[field].flatMap { Int64($0) }
    }
}
