import ArgumentParser
import ControlLoops
import Decisions
import Gateway
import Logging
import ManagerTesting
import Registry
import Testing

@testable import ModelManager

@Suite struct `The configuration` {
    static func read(
        options: [String: String] = [:],
        environment: [String: String] = [:],
        file: [String: String] = [:]
    ) throws(ConfigurationError) -> ReplicaConfiguration {
        let values = try SettingValues(options: options, environment: environment, file: file)
        return try ReplicaConfiguration(values, hostName: "host", nonce: "1f", cores: 2)
    }

    @Test func `has the contract's defaults`() throws {
        let configuration = try Self.read()
        #expect(configuration.apiHost == "0.0.0.0")
        #expect(configuration.apiPort == 8008)
        #expect(configuration.dataPlane.timeout == .seconds(30))
        #expect(configuration.dataPlane.retriesMax == 3)
        #expect(configuration.dataPlane.strategy == .roundRobin)
        #expect(configuration.dataPlane.breaker.cooldown == .seconds(10))
        #expect(configuration.dataPlane.bodyBytesMax == 16_777_216)
        #expect(configuration.drainDelay == .seconds(5))
        #expect(configuration.eventLoops == 2)
        #expect(configuration.replicaID == "host-1f")
        #expect(configuration.redisURL == nil)
    }

    @Test func `reads seeds and catalogues`() throws {
        let configuration = try Self.read(environment: [
            "DISCOVERY_SEEDS": "LSTM:8000, [::1]:81 _http._tcp.models.example", "SERVICE_DISCOVERY_INTERVAL": "0.5",
            "DISCOVERY_CATALOGUES": "https://c.example/services.json?team=a&x=%20",
        ])
        let discovery = configuration.discovery
        #expect(discovery.seeds.map(\.description) == ["lstm:8000", "[::1]:81", "_http._tcp.models.example"])
        #expect(discovery.seeds.map(\.source) == [.probe, .probe, .dns])
        #expect(discovery.catalogues.map(\.description) == ["https://c.example/services.json?team=a&x=%20"])
        #expect(discovery.interval == .milliseconds(500))
    }

    @Test func `option beats environment beats file beats default`() throws {
        let file = ["API_PORT": "1", "MAX_RETRIES": "1", "LOG_LEVEL": "ERROR"]
        let configuration = try Self.read(
            options: ["API_PORT": "3"],
            environment: ["API_PORT": "2", "MAX_RETRIES": "2"],
            file: file
        )
        #expect(configuration.apiPort == 3)
        #expect(configuration.dataPlane.retriesMax == 2)
        #expect(configuration.logLevel == .error)
    }

    @Test(arguments: [
        ("API_PORT", ""), ("API_PORT", "80a"), ("SERVICE_TIMEOUT", "0"), ("SERVICE_TIMEOUT", "nan"),
        ("RETRY_DELAY", "-1"), ("BREAKER_RATIO", "1.5"),
        ("REPLICA_LEASE", "2"), ("LEADER_LEASE", "2.9"), ("EVENT_LOOPS", "0"), ("LOG_FORMAT", "xml"),
        ("REPLICA_ID", "a b"), ("REDIS_KEY_PREFIX", "{x}"),
        ("MAX_BODY_BYTES", "99999999999"), ("SERVICE_CA_FILE", "/nowhere/ca.pem"), ("SERVICE_CA_FILE", "/dev/null"),
        ("SERVICE_TOKENS_FILE", "/nowhere/tokens.json"), ("SERVICE_TOKENS_FILE", "/dev/null"),
        ("DISCOVERY_SEEDS", "a:1,b"), ("DISCOVERY_SEEDS", "http://a:1"),
        ("DISCOVERY_SEEDS", "a:1/x"), ("DISCOVERY_SEEDS", "_http._tcp.a:1"), ("DISCOVERY_CATALOGUES", "ftp://a"),
        ("DISCOVERY_CATALOGUES", "http://u@a/x"),
        ("ALLOWED_SERVICE_HOSTS", "10.0.0.0/8, 10.0.0.0/40"), ("ALLOWED_SERVICE_HOSTS", "300.1.1.1"),
        ("DENIED_SERVICE_HOSTS", "::/200"), ("DENIED_SERVICE_HOSTS", "http://a"),
    ])
    func `refuses what it does not understand and names it`(name: String, value: String) {
        #expect {
            _ = try Self.read(environment: [name: value])
        } throws: { error in
            (error as? ConfigurationError)?.variable == name && (error as? ConfigurationError)?.value == value
        }
    }

    @Test func `reads the authorities of https services from their file`() async throws {
        let authority = try await TestAuthority.make()
        #expect(try Self.read().dataPlane.authorities == nil)
        #expect(try Self.read(environment: ["SERVICE_CA_FILE": authority.certificate]).dataPlane.authorities != nil)
    }

    @Test func `refuses settings of the file that do not exist, and variables of later versions`() {
        #expect(throws: ConfigurationError.self) { try Self.read(file: ["API_PROT": "1"]) }
        for name in Setting.notYet {
            #expect(throws: ConfigurationError.self) { try Self.read(environment: [name: "1"]) }
        }
    }

    @Test func `never shows a secret`() throws {
        let values = try SettingValues(options: [:], environment: ["REDIS_URL": "redis://:hidden@h"], file: [:])
        #expect(!values.refusal("REDIS_URL", "x").description.contains("hidden@h"))
    }

    @Test func `every setting is an option of serve and no option is more`() throws {
        let source = try ServeOptions.parse(Setting.all.flatMap { ["--\($0.option)", "value-of-\($0.name)"] })
        #expect(source.values == Dictionary(uniqueKeysWithValues: Setting.all.map { ($0.name, "value-of-\($0.name)") }))
    }
}
