import Dispatch
import Logging
import ManagerTesting
import NIOCore
import NIOPosix
import Registry
import Testing

@testable import Gateway

@Suite(.timeLimit(.minutes(5))) struct `The address resolver` {
    static let url = "http://_http._tcp.models.example/base"

    static func resolver(
        _ server: StubDNSServer?,
        lookup: @escaping AddressResolver.Lookup = { host, port in
            guard host != "gone.example" else { throw UpstreamFailure(kind: .resolve, detail: "gone") }
            return [try SocketAddress(ipAddress: host == "a.example" ? "10.0.0.1" : "10.0.0.2", port: port)]
        }
    ) -> AddressResolver {
        let group = MultiThreadedEventLoopGroup.singleton
        let configuration = ResolverConfiguration("nameserver 127.0.0.1")
        let dns = DNSClient(configuration: configuration, port: server?.port ?? 9, group: group)
        return AddressResolver(group: group, dns: dns, lookup: lookup)
    }

    static func found(_ resolver: AddressResolver, _ url: String = Self.url) async throws -> [String] {
        try await resolver.addresses(of: try ServiceURL(url), within: .seconds(30))
            .map { "\($0.ipAddress ?? "?"):\($0.port ?? 0)" }.sorted()
    }

    static let table = [
        "_http._tcp.models.example": [
            StubDNSServer.Target(priority: 1, port: 8000, host: "a.example"),
            StubDNSServer.Target(priority: 1, port: 8001, host: "b.example"),
            StubDNSServer.Target(priority: 1, port: 8002, host: "gone.example"),
            StubDNSServer.Target(priority: 9, port: 9999, host: "spare.example"),
        ]
    ]

    @Test(arguments: [StubDNSServer.Manner.answers, .truncates, .isForgedFirst])
    func `follows SRV records of the best priority, with their ports`(manner: StubDNSServer.Manner) async throws {
        let server = try await StubDNSServer.start(Self.table, manner)
        #expect(try await Self.found(Self.resolver(server)) == ["10.0.0.1:8000", "10.0.0.2:8001"])
        #expect(server.questions.count == (manner == .truncates ? 2 : 1))
        await server.stop()
    }

    @Test(arguments: [StubDNSServer.Manner.fails, .answers]) func `says so when there is no such name`(
        manner: StubDNSServer.Manner
    ) async throws {
        let server = try await StubDNSServer.start([:], manner)
        let failure = await #expect(throws: UpstreamFailure.self) { try await Self.found(Self.resolver(server)) }
        #expect(failure?.kind == .resolve && failure?.detail.contains("_http._tcp.models.example") == true)
        await server.stop()
    }

    @Test func `gives up on a silent server within its time`() async throws {
        let server = try await StubDNSServer.start(Self.table, .isSilent)
        let url = try ServiceURL(Self.url)
        let failure = await #expect(throws: UpstreamFailure.self) {
            try await Self.resolver(server).addresses(of: url, within: .milliseconds(300))
        }
        #expect(failure?.detail.contains("no answer") == true)
        await server.stop()
    }

    @Test func `asks the system for other names, and nobody for an address`() async throws {
        let resolver = Self.resolver(nil)
        #expect(try await Self.found(resolver, "http://a.example:81") == ["10.0.0.1:81"])
        #expect(try await Self.found(resolver, "http://[fd00::1]:82") == ["fd00::1:82"])
        let system = AddressResolver(group: MultiThreadedEventLoopGroup.singleton)
        #expect(try await Self.found(system, "http://localhost:83").contains("127.0.0.1:83"))
    }

    @Test func `does not wait for a system resolver that hangs`() async throws {
        let release = DispatchSemaphore(value: 0)
        let resolver = Self.resolver(nil) { _, _ in
            release.wait()
            return []
        }
        let url = try ServiceURL("http://slow.example")
        let failure = await #expect(throws: UpstreamFailure.self) {
            try await resolver.addresses(of: url, within: .milliseconds(100))
        }
        #expect(failure?.detail.contains("not resolved within") == true)
        release.signal()
    }

    @Test func `keeps out of addresses that no service may live at`() async throws {
        let group = MultiThreadedEventLoopGroup.singleton
        var settings = DataPlaneSettings(replicaID: "r")
        settings.hosts = HostPolicy(allowed: [], denied: ["127.0.0.0/8", "::1"])
        let plane = DataPlane(settings: settings, group: group, news: Setting.News(), logger: Logger(label: "test"))
        let url = try ServiceURL("http://localhost:8000")
        let failure = await #expect(throws: UpstreamFailure.self) {
            try await plane.addresses(of: url, within: .seconds(20))
        }
        #expect(failure?.kind == .denied)
    }
}
