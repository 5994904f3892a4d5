import ManagerTesting
import Registry
import Synchronization
import Testing

@testable import Gateway

/// A service whose name stands for several addresses.
@Suite(.timeLimit(.minutes(5))) struct `The addresses of one service` {
    static func snapshot(_ ports: [Int], host: String = "models.example", epoch: Int64) throws -> RegistrySnapshot {
        let definition = try Setting.service("m", at: "http://\(host):8000/base") { $0.discovery = .dns }
        let addresses = ports.map { InstanceAddress(host: "127.0.0.1", port: $0) }
        let service = Service(
            definition: definition,
            source: .api,
            registeredAt: Timestamp(milliseconds: 0),
            registeredEpoch: Epoch(1),
            epoch: Epoch(epoch),
            resolution: Resolution(url: definition.url, addresses: addresses)
        )
        return RegistrySnapshot(epoch: Epoch(epoch), services: [service], pointers: [:])
    }

    static func stub(_ heard: Heard) async throws -> StubUpstream {
        try await StubUpstream.start { _, request in
            heard.add(request)
            return [.send(StubUpstream.json("{}")), .next]
        }
    }

    final class Heard: Sendable {
        private let requests = Mutex<[String]>([])
        func add(_ request: String) { self.requests.withLock { $0.append(request) } }
        var all: [String] { self.requests.withLock { $0 } }
    }

    @Test func `are instances of their own, called by the service's name`() async throws {
        let (first, second) = (Heard(), Heard())
        let (a, b) = (try await Self.stub(first), try await Self.stub(second))
        try await Setting.run { setting in
            setting.plane.apply(try Self.snapshot([a.port, b.port], epoch: 1))
            var answering: Set<String> = []
            for _ in 0..<6 {
                let answer = try await setting.predict()
                #expect(answer.status == 200)
                answering.insert(answer.headers["x-mm-instance"] ?? "")
            }
            #expect(answering == ["http://127.0.0.1:\(a.port)/base", "http://127.0.0.1:\(b.port)/base"])
            #expect((first.all.count, second.all.count) == (3, 3))
            for request in first.all + second.all {
                #expect(request.contains("POST /base/predict HTTP/1.1\r\nhost: models.example:8000\r\n"))
            }
        }
    }

    @Test func `come and go with the snapshot, and fail over to one another`() async throws {
        let heard = Heard()
        let alive = try await Self.stub(heard)
        try await Setting.run { setting in
            setting.plane.apply(try Self.snapshot([1, alive.port], epoch: 1))
            for _ in 0..<4 { #expect(try await setting.predict().status == 200) }
            setting.plane.apply(try Self.snapshot([alive.port], epoch: 2))
            let id = try #require(ServiceID("m"))
            #expect(setting.plane.states(of: id).count == 1)
            setting.plane.apply(try Self.snapshot([alive.port], host: "renamed.example", epoch: 3))
            #expect(try await setting.predict().status == 200)
            #expect(heard.all.last?.contains("host: renamed.example:8000\r\n") == true)
        }
    }
}
