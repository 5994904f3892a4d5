/// One configuration variable: its name in the environment, its default as text, and what it means.
///
/// The same list serves the environment, the options of `serve`, the `settings` object of the services file, the
/// documentation and its test, so that none of them can differ from another.
struct Setting: Sendable, Equatable {
    var name: String
    /// Empty: none.
    var defaultText: String
    var meaning: String
    /// Whether the value may appear in logs and errors.
    var isSecret = false

    /// `API_PORT` is the option `api-port`.
    var option: String {
        self.name.lowercased().split(separator: "_").joined(separator: "-")
    }
}

extension Setting {
    static let all: [Setting] = [
        Setting(name: "API_HOST", defaultText: "0.0.0.0", meaning: "address the API listens on"),
        Setting(name: "API_PORT", defaultText: "8008", meaning: "port the API listens on; 0 picks one"),
        Setting(name: "LOG_LEVEL", defaultText: "INFO", meaning: "TRACE DEBUG INFO NOTICE WARNING ERROR CRITICAL"),
        Setting(name: "LOG_FORMAT", defaultText: "text", meaning: "text or json"),
        Setting(
            name: "SERVICE_DISCOVERY_INTERVAL",
            defaultText: "30",
            meaning: "seconds between two discovery sweeps of the leader; the services file is watched all the time"
        ),
        Setting(
            name: "DISCOVERY_SEEDS",
            defaultText: "",
            meaning: "host:port list, or names of SRV records, whose servers are asked what they serve"
        ),
        Setting(
            name: "DISCOVERY_CATALOGUES",
            defaultText: "",
            meaning: "URLs that return the form of the services file"
        ),
        Setting(
            name: "HEALTH_CHECK_INTERVAL",
            defaultText: "10",
            meaning: "seconds between two probes of one instance"
        ),
        Setting(name: "SERVICE_TIMEOUT", defaultText: "30", meaning: "seconds a request may take, retries included"),
        Setting(
            name: "LOAD_BALANCING_STRATEGY",
            defaultText: "round_robin",
            meaning: "round_robin weighted_round_robin least_requests power_of_two latency consistent_hash random"
        ),
        Setting(name: "MAX_RETRIES", defaultText: "3", meaning: "further attempts after the first one"),
        Setting(
            name: "RETRY_DELAY",
            defaultText: "1",
            meaning: "longest first wait in seconds before an instance is tried again"
        ),
        Setting(
            name: "SERVICES_CONFIG",
            defaultText: "",
            meaning: "services file; services.json is read when it exists"
        ),
        Setting(
            name: "REDIS_URL",
            defaultText: "",
            meaning: "shared Redis; without it a private one is started",
            isSecret: true
        ),
        Setting(name: "REDIS_KEY_PREFIX", defaultText: "mm", meaning: "lets several clusters share one Redis"),
        Setting(
            name: "REDIS_REPLICAS",
            defaultText: "0",
            meaning: "Redis replicas a registry change waits for, 100 ms at most; its answer says what came of it"
        ),
        Setting(
            name: "DATA_DIR",
            defaultText: ".model-manager",
            meaning: "the private Redis' files and the stored snapshot"
        ),
        Setting(
            name: "REPLICA_ID",
            defaultText: "",
            meaning: "shown everywhere; host name and a random part by default"
        ),
        Setting(
            name: "REPLICA_LEASE",
            defaultText: "6",
            meaning: "seconds after which a silent replica is taken for dead, 3 or more; it beats six times in them"
        ),
        Setting(
            name: "LEADER_LEASE",
            defaultText: "6",
            meaning: "seconds after which a silent leader is replaced, 3 or more"
        ),
        Setting(name: "BREAKER_FAILURES", defaultText: "5", meaning: "consecutive failures that trip a breaker"),
        Setting(
            name: "BREAKER_RATIO",
            defaultText: "0.5",
            meaning: "failed share of at least 10 requests in 10 s that trips a breaker"
        ),
        Setting(
            name: "BREAKER_COOLDOWN",
            defaultText: "10",
            meaning: "seconds a breaker stays open; doubles per trip up to ten times"
        ),
        Setting(name: "BREAKER_PROBES", defaultText: "1", meaning: "requests in flight while a breaker is half open"),
        Setting(
            name: "QUEUE_LIMIT",
            defaultText: "1024",
            meaning: "requests of one replica that may wait for a permit of a service with a limit"
        ),
        Setting(name: "QUEUE_TIMEOUT", defaultText: "5", meaning: "seconds one of them waits, within its deadline"),
        Setting(
            name: "LIMIT_ON_REDIS_LOSS",
            defaultText: "hold",
            meaning: "hold: keep using the permits in hand; strict: admit nothing on services with a limit"
        ),
        Setting(name: "MAX_BODY_BYTES", defaultText: "16777216", meaning: "larger requests get 413"),
        Setting(
            name: "DRAIN_DELAY",
            defaultText: "5",
            meaning: "seconds a leaving replica keeps serving so that the ingress notices"
        ),
        Setting(name: "SHUTDOWN_GRACE", defaultText: "60", meaning: "seconds running requests may take after that"),
        Setting(
            name: "PROBE_PORT",
            defaultText: "",
            meaning: "second listener that serves only /health/live and /health/ready; none by default"
        ),
        Setting(
            name: "EVENT_LOOPS",
            defaultText: "",
            meaning: "threads of the data plane; the number of cores by default"
        ),
        Setting(
            name: "ALLOWED_SERVICE_HOSTS",
            defaultText: "",
            meaning: "CIDR blocks and host globs a service may live at; all by default"
        ),
        Setting(
            name: "DENIED_SERVICE_HOSTS",
            defaultText: "",
            meaning: "CIDR blocks and host globs refused, beside link-local and cloud metadata addresses"
        ),
        Setting(
            name: "SERVICE_CA_FILE",
            defaultText: "",
            meaning: "PEM file of authorities that https services are trusted by, beside the system's"
        ),
        Setting(
            name: "SERVICE_TOKENS_FILE",
            defaultText: "",
            meaning: "file of the tokens that services want to be shown, by host:port; read again when it changes"
        ),
    ]

    /// Variables of the contract that this version does not act on. Setting one stops the start: a limit, a lock or a
    /// certificate that is silently ignored is worse than a refusal.
    static let notYet: [String] = [
        "AUTH_KEYS_FILE", "AUTH_JWKS_FILE", "AUTH_ISSUER", "AUTH_AUDIENCE",
        "TLS_CERT", "TLS_KEY",
        "TLS_CLIENT_CA",
    ]
}
