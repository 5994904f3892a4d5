import ArgumentParser

/// The options of `serve`: one for each `Setting`, as text, so that one strict reader judges all layers alike. A test
/// holds the two lists equal.
struct ServeOptions: ParsableArguments {
    @Option(name: .customLong("api-host"), help: "Address the API listens on (default 0.0.0.0).") var apiHost: String?
    @Option(name: .customLong("api-port"), help: "Port the API listens on; 0 picks one (default 8008).") var apiPort:
        String?
    @Option(
        name: .customLong("log-level"),
        help: "One of TRACE DEBUG INFO NOTICE WARNING ERROR CRITICAL (default INFO)."
    )
    var logLevel: String?
    @Option(name: .customLong("log-format"), help: "One of text json (default text).") var logFormat: String?
    @Option(name: .customLong("service-discovery-interval"), help: "Seconds between two discovery sweeps (default 30).")
    var serviceDiscoveryInterval: String?
    @Option(name: .customLong("discovery-seeds"), help: "List of host:port whose servers are asked what they serve.")
    var discoverySeeds: String?
    @Option(name: .customLong("discovery-catalogues"), help: "URLs that return the form of the services file.")
    var discoveryCatalogues: String?
    @Option(
        name: .customLong("health-check-interval"),
        help: "Seconds between two probes of one instance (default 10)."
    ) var healthCheckInterval: String?
    @Option(name: .customLong("service-timeout"), help: "Seconds a request may take, retries included (default 30).")
    var serviceTimeout: String?
    @Option(
        name: .customLong("load-balancing-strategy"),
        help:
            "One of round_robin weighted_round_robin least_requests power_of_two latency consistent_hash random (default round_robin)."
    ) var loadBalancingStrategy: String?
    @Option(name: .customLong("max-retries"), help: "Further attempts after the first one (default 3).") var maxRetries:
        String?
    @Option(
        name: .customLong("retry-delay"),
        help: "Longest first wait in seconds before an instance is tried again (default 1)."
    ) var retryDelay: String?
    @Option(name: .customLong("services-config"), help: "Services file; services.json is read when it exists.")
    var servicesConfig: String?
    @Option(name: .customLong("redis-url"), help: "Shared Redis; without it a private one is started.") var redisUrl:
        String?
    @Option(name: .customLong("redis-key-prefix"), help: "Lets several clusters share one Redis (default mm).")
    var redisKeyPrefix: String?
    @Option(name: .customLong("redis-replicas"), help: "Redis replicas a registry change waits for (default 0).")
    var redisReplicas: String?
    @Option(
        name: .customLong("data-dir"),
        help: "The private Redis' files and the stored snapshot (default .model-manager)."
    ) var dataDir: String?
    @Option(name: .customLong("replica-id"), help: "Shown everywhere; host name and a random part by default.")
    var replicaId: String?
    @Option(name: .customLong("replica-lease"), help: "Seconds until a silent replica is taken for dead (default 6).")
    var replicaLease: String?
    @Option(name: .customLong("leader-lease"), help: "Seconds until a silent leader is replaced (default 6).")
    var leaderLease: String?
    @Option(name: .customLong("breaker-failures"), help: "Consecutive failures that trip a breaker (default 5).")
    var breakerFailures: String?
    @Option(
        name: .customLong("breaker-ratio"),
        help: "Failed share of at least 10 requests in 10 s that trips a breaker (default 0.5)."
    ) var breakerRatio: String?
    @Option(
        name: .customLong("breaker-cooldown"),
        help: "Seconds a breaker stays open; doubles per trip up to ten times (default 10)."
    ) var breakerCooldown: String?
    @Option(name: .customLong("breaker-probes"), help: "Requests in flight while a breaker is half open (default 1).")
    var breakerProbes: String?
    @Option(name: .customLong("queue-limit"), help: "Requests that may wait for a permit (default 1024).")
    var queueLimit: String?
    @Option(name: .customLong("queue-timeout"), help: "Seconds one of them waits (default 5).")
    var queueTimeout: String?
    @Option(
        name: .customLong("limit-on-redis-loss"),
        help: "One of hold (keep using the permits in hand) strict (admit nothing; default hold)."
    )
    var limitOnRedisLoss: String?
    @Option(name: .customLong("max-body-bytes"), help: "Larger requests get 413 (default 16777216).") var maxBodyBytes:
        String?
    @Option(
        name: .customLong("drain-delay"),
        help: "Seconds a leaving replica keeps serving so that the ingress notices (default 5)."
    ) var drainDelay: String?
    @Option(name: .customLong("shutdown-grace"), help: "Seconds running requests may take after that (default 60).")
    var shutdownGrace: String?
    @Option(
        name: .customLong("probe-port"),
        help: "Second listener, only for /health/live and /health/ready; none by default."
    )
    var probePort: String?
    @Option(name: .customLong("event-loops"), help: "Threads of the data plane; the number of cores by default.")
    var eventLoops: String?
    @Option(
        name: .customLong("allowed-service-hosts"),
        help: "CIDR blocks and host globs a service may live at; all by default."
    ) var allowedServiceHosts: String?
    @Option(
        name: .customLong("denied-service-hosts"),
        help: "CIDR blocks and host globs refused, beside link-local and cloud metadata addresses."
    ) var deniedServiceHosts: String?
    @Option(
        name: .customLong("service-ca-file"),
        help: "PEM file of authorities that https services are trusted by, beside the system's."
    ) var serviceCaFile: String?
    @Option(
        name: .customLong("service-tokens-file"),
        help: "File of the tokens that services want to be shown, by host:port; read again when it changes."
    ) var serviceTokensFile: String?

    /// Values by the name of their setting; only those given.
    var values: [String: String] {
        let given: [(String, String?)] = [
            ("API_HOST", self.apiHost),
            ("API_PORT", self.apiPort),
            ("LOG_LEVEL", self.logLevel),
            ("LOG_FORMAT", self.logFormat),
            ("SERVICE_DISCOVERY_INTERVAL", self.serviceDiscoveryInterval),
            ("DISCOVERY_SEEDS", self.discoverySeeds),
            ("DISCOVERY_CATALOGUES", self.discoveryCatalogues),
            ("HEALTH_CHECK_INTERVAL", self.healthCheckInterval),
            ("SERVICE_TIMEOUT", self.serviceTimeout),
            ("LOAD_BALANCING_STRATEGY", self.loadBalancingStrategy),
            ("MAX_RETRIES", self.maxRetries),
            ("RETRY_DELAY", self.retryDelay),
            ("SERVICES_CONFIG", self.servicesConfig),
            ("REDIS_URL", self.redisUrl),
            ("REDIS_KEY_PREFIX", self.redisKeyPrefix), ("REDIS_REPLICAS", self.redisReplicas),
            ("DATA_DIR", self.dataDir),
            ("REPLICA_ID", self.replicaId),
            ("REPLICA_LEASE", self.replicaLease),
            ("LEADER_LEASE", self.leaderLease),
            ("BREAKER_FAILURES", self.breakerFailures),
            ("BREAKER_RATIO", self.breakerRatio),
            ("BREAKER_COOLDOWN", self.breakerCooldown),
            ("BREAKER_PROBES", self.breakerProbes),
            ("QUEUE_LIMIT", self.queueLimit),
            ("QUEUE_TIMEOUT", self.queueTimeout),
            ("LIMIT_ON_REDIS_LOSS", self.limitOnRedisLoss),
            ("MAX_BODY_BYTES", self.maxBodyBytes),
            ("DRAIN_DELAY", self.drainDelay),
            ("SHUTDOWN_GRACE", self.shutdownGrace),
            ("PROBE_PORT", self.probePort),
            ("EVENT_LOOPS", self.eventLoops),
            ("ALLOWED_SERVICE_HOSTS", self.allowedServiceHosts),
            ("DENIED_SERVICE_HOSTS", self.deniedServiceHosts),
            ("SERVICE_CA_FILE", self.serviceCaFile), ("SERVICE_TOKENS_FILE", self.serviceTokensFile),
        ]
        return Dictionary(uniqueKeysWithValues: given.compactMap { name, value in value.map { (name, $0) } })
    }
}
