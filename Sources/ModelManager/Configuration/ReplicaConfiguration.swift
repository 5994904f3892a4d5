import ControlLoops
import Decisions
import Gateway
import Logging
import Registry

/// Everything a replica is told at its start, typed and checked.
struct ReplicaConfiguration: Sendable {
    enum LogFormat: String, CaseIterable, Sendable { case text, json }
    enum LogLevel: String, CaseIterable, Sendable { case TRACE, DEBUG, INFO, NOTICE, WARNING, ERROR, CRITICAL }

    var apiHost: String
    var apiPort: Int
    var logLevel: Logger.Level
    var logFormat: LogFormat
    var discovery: DiscoveryLoop.Sources
    var healthCheckInterval: Duration
    var redisURL: String?
    var redisKeyPrefix: String
    /// How many Redis replicas a change of the registry waits for.
    var redisReplicas: Int
    var dataDirectory: String
    var replicaLease: Duration
    var leaderLease: Duration
    var limitOnRedisLoss: LimitOnLoss
    var drainDelay: Duration
    var shutdownGrace: Duration
    var eventLoops: Int
    /// Of the second listener; nil: there is none.
    var probePort: Int?
    /// The services file that is watched; nil when there is none.
    var servicesFile: String?
    /// Of what services want to be shown; it is usable at the start.
    var tokensFile: String?
    var dataPlane: DataPlaneSettings

    /// The `hostName` is the first half of the replica id when none is set; the `nonce`, the second half, differs at each
    /// start; `cores` says how many event loops run when `EVENT_LOOPS` is not set.
    init(_ values: SettingValues, hostName: String, nonce: String, cores: Int) throws(ConfigurationError) {
        self.apiHost = values.text("API_HOST") ?? ""
        self.apiPort = try values.integer("API_PORT", in: 0...65535)
        self.logLevel = try values.choice("LOG_LEVEL", of: LogLevel.self).level
        self.logFormat = try values.choice("LOG_FORMAT", of: LogFormat.self)
        self.discovery = try Self.discovery(values)
        self.healthCheckInterval = try values.seconds("HEALTH_CHECK_INTERVAL", in: 0.1...86400)
        self.redisURL = values.text("REDIS_URL")
        self.redisKeyPrefix = try values.name("REDIS_KEY_PREFIX") ?? "mm"
        self.redisReplicas = try values.integer("REDIS_REPLICAS", in: 0...100)
        self.dataDirectory = values.text("DATA_DIR") ?? ".model-manager"
        self.replicaLease = try values.seconds("REPLICA_LEASE", in: Self.leaseRange)
        self.leaderLease = try values.seconds("LEADER_LEASE", in: Self.leaseRange)
        self.limitOnRedisLoss = try values.choice("LIMIT_ON_REDIS_LOSS", of: LimitOnLoss.self)
        self.drainDelay = try values.seconds("DRAIN_DELAY", in: 0...3600)
        self.shutdownGrace = try values.seconds("SHUTDOWN_GRACE", in: 0...86400)
        self.probePort = values.text("PROBE_PORT") == nil ? nil : try values.integer("PROBE_PORT", in: 0...65535)
        self.eventLoops = values.text("EVENT_LOOPS") == nil ? cores : try values.integer("EVENT_LOOPS", in: 1...256)
        self.servicesFile = nil
        self.tokensFile = try Self.tokensFile(values)
        let replicaID = try values.name("REPLICA_ID") ?? Self.replicaID(hostName: hostName, nonce: nonce)
        self.dataPlane = try Self.dataPlane(values, replicaID: replicaID)
    }

    /// Two seconds of every lease are never relied on; a shorter one would be over before it can be renewed.
    private static let leaseRange = 3.0...3600.0

    var replicaID: String { self.dataPlane.replicaID }

    private static func discovery(_ values: SettingValues) throws(ConfigurationError) -> DiscoveryLoop.Sources {
        let interval = try values.seconds("SERVICE_DISCOVERY_INTERVAL", in: 0.1...86400)
        var sources = DiscoveryLoop.Sources(interval: interval)
        for text in values.list("DISCOVERY_SEEDS") {
            do throws(DiscoverySeedError) {
                sources.seeds.append(try DiscoverySeed(text))
            } catch {
                throw values.refusal("DISCOVERY_SEEDS", "host:port or names of SRV records; \(error)")
            }
        }
        for text in values.list("DISCOVERY_CATALOGUES") {
            do throws(CatalogueURLError) {
                sources.catalogues.append(try CatalogueURL(text))
            } catch {
                throw values.refusal("DISCOVERY_CATALOGUES", "http and https URLs; \(error)")
            }
        }
        return sources
    }

    private static func dataPlane(_ values: SettingValues, replicaID: String) throws(ConfigurationError)
        -> DataPlaneSettings
    {
        var settings = DataPlaneSettings(replicaID: replicaID)
        settings.strategy = try values.choice("LOAD_BALANCING_STRATEGY", of: BalanceStrategy.self)
        settings.retriesMax = try values.integer("MAX_RETRIES", in: 0...100)
        settings.retryDelay = try values.seconds("RETRY_DELAY", in: 0...3600)
        settings.timeout = try values.seconds("SERVICE_TIMEOUT", in: 0.001...86400)
        settings.bodyBytesMax = try values.integer("MAX_BODY_BYTES", in: 1...(1 << 30))
        settings.breaker.failuresInRowMax = try values.integer("BREAKER_FAILURES", in: 1...1_000_000)
        settings.breaker.failureRatioMax = try values.number("BREAKER_RATIO", in: 0.01...1)
        settings.breaker.cooldown = try values.seconds("BREAKER_COOLDOWN", in: 0.1...86400)
        settings.breaker.probesMax = try values.integer("BREAKER_PROBES", in: 1...1000)
        settings.queueLimit = try values.integer("QUEUE_LIMIT", in: 0...1_000_000)
        settings.queueTimeout = try values.seconds("QUEUE_TIMEOUT", in: 0...3600)
        settings.sharesLimits = true
        settings.ticketStart = StableHash.of(replicaID)
        settings.hosts = HostPolicy(
            allowed: try Self.hosts("ALLOWED_SERVICE_HOSTS", values),
            denied: try Self.hosts("DENIED_SERVICE_HOSTS", values)
        )
        settings.authorities = try Self.authorities(values)
        return settings
    }

    private static func hosts(_ name: String, _ values: SettingValues) throws(ConfigurationError) -> [String] {
        let entries = values.list(name)
        guard let wrong = entries.first(where: { !HostPolicy.isUsable($0) }) else { return entries }
        throw values.refusal(
            name,
            "CIDR blocks such as 10.0.0.0/8 and host globs such as *.models; \(wrong) is neither"
        )
    }

    private static func authorities(_ values: SettingValues) throws(ConfigurationError) -> ServiceAuthorities? {
        guard let path = values.text("SERVICE_CA_FILE") else { return nil }
        do throws(ServiceAuthorities.Unusable) {
            return try ServiceAuthorities(pemFile: path)
        } catch {
            throw values.refusal("SERVICE_CA_FILE", error.description)
        }
    }

    private static func tokensFile(_ values: SettingValues) throws(ConfigurationError) -> String? {
        guard let path = values.text("SERVICE_TOKENS_FILE") else { return nil }
        do throws(ServicesFileProblem) {
            _ = try ServiceTokensFile.read(atPath: path)
        } catch {
            throw values.refusal("SERVICE_TOKENS_FILE", "a usable file of tokens; \(error)")
        }
        return path
    }

    /// A host name is cut down to what a name may contain.
    private static func replicaID(hostName: String, nonce: String) -> String {
        let host = String(hostName.prefix(64).map { NameRule.allows("x\($0)") ? $0 : "-" })
        return NameRule.allows(host) ? "\(host)-\(nonce)" : "replica-\(nonce)"
    }
}

extension ReplicaConfiguration.LogLevel {
    var level: Logger.Level {
        Logger.Level(rawValue: self.rawValue.lowercased()) ?? .info
    }
}
