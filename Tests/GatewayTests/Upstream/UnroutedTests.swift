import Registry
import Testing

@testable import Gateway

@Suite struct `An instance that no pool routes to` {
    private func service(routed: Bool = false, weight: Int = 100) throws -> ServiceDefinition {
        try Setting.service("d", at: "http://127.0.0.1:1") {
            if !routed { $0.kind = .data }
            $0.capabilities = routed ? ["prediction"] : []
            $0.weight = weight
        }
    }

    @Test func `is judged, through changes of its service and of others, until it goes`() async throws {
        try await Setting.run { setting in
            let other = try Setting.service("o", at: "http://127.0.0.1:2")
            setting.register([try self.service(), other])
            let key = try #require(setting.state("d")?.key)
            #expect(setting.state("d")?.verdict == .unknown)
            setting.plane.setVerdict(.unhealthy, for: key)
            #expect(setting.state("d")?.verdict == .unhealthy)
            for services in [
                [try self.service()], [try self.service(weight: 7), other], [try self.service(routed: true)],
                [try self.service(routed: true), other], [try self.service(), other],
            ] {
                setting.register(services)
                #expect(setting.state("d")?.verdict == .unhealthy, "\(services)")
            }
            setting.register([other])
            #expect(setting.state("d") == nil)
            setting.register([try self.service(), other])
            #expect(setting.state("d")?.verdict == .unknown, "another one under the same name")
        }
    }
}
