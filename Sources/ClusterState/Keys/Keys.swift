public import Registry

/// The names of everything that Model Manager keeps in Redis, decided here and nowhere else.
///
/// All begin with `mm:{NAMESPACE}:`, the namespace being `REDIS_KEY_PREFIX`. The braces make Redis Cluster put all keys
/// of one manager cluster on one node, as functions over several keys demand; the fixed beginning lets one ACL rule
/// cover any namespace.
public struct Keys: Sendable, Hashable {
    public let namespace: String
    /// What every function is given as its only key.
    public let prefix: String

    /// - Parameter namespace: `REDIS_KEY_PREFIX`: letters, digits and `.`, `_`, `-`.
    public init(namespace: String) {
        self.namespace = namespace
        self.prefix = "mm:{\(namespace)}:"
    }

    public var meta: String { self.prefix + "meta" }
    public var log: String { self.prefix + "log" }
    public var services: String { self.prefix + "services" }
    public var models: String { self.prefix + "models" }
    public var tombstones: String { self.prefix + "tombstones" }
    public var leases: String { self.prefix + "leases" }
    public var events: String { self.prefix + "events" }
    public var servicesFile: String { self.prefix + "services-file" }
    public var sightings: String { self.prefix + "sightings" }
    public var catalogues: String { self.prefix + "catalogues" }
    public var discovery: String { self.prefix + "discovery" }
    public var sessions: String { self.prefix + "sessions" }
    public var leader: String { self.prefix + "leader" }
    public var signals: String { self.prefix + "signals" }
    public var reports: String { self.prefix + "reports" }
    public var help: String { self.prefix + "help" }

    public func record(_ key: RecordKey) -> String {
        "\(self.prefix)\(key.kind.rawValue):\(key.id)"
    }

    public func job(_ id: JobID) -> String {
        "\(self.prefix)job:\(id)"
    }

    public func jobRequest(_ id: JobID) -> String {
        "\(self.prefix)job-request:\(id)"
    }

    /// What of the catalogue at this URL is applied.
    public func catalogue(_ url: String) -> String {
        "\(self.prefix)catalogue:\(url)"
    }

    public func replica(_ id: String) -> String {
        "\(self.prefix)replica:\(id)"
    }

    /// Of an instance, by `InstanceKey.description`.
    public func permits(_ instance: String) -> String {
        "\(self.prefix)permits:\(instance)"
    }

    public func waiters(_ instance: String) -> String {
        "\(self.prefix)waiters:\(instance)"
    }

    public func traffic(_ type: String) -> String {
        "\(self.prefix)traffic:\(type)"
    }

    public func cursor(_ pool: String) -> String {
        "\(self.prefix)cursor:\(pool)"
    }
}
