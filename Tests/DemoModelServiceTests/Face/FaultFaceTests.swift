import Foundation
import ManagerTesting
import NIOCore
import Testing

@testable import DemoModelService

@Suite struct `The fault switches` {
    private static let question = #"{"data":[1,2,3]}"#

    private func predict(_ service: LiveService, milliseconds: Int64 = 20_000) async throws -> RawExchange.Report {
        try await RawExchange.post("/predict", Self.question, port: service.port, within: .milliseconds(milliseconds))
    }

    private func set(_ service: LiveService, _ fault: String) async throws {
        let answer = try await service.post("/_fault", fault)
        #expect(answer.status == 200, "\(answer)")
    }

    @Test func `answer late`() async throws {
        try await LiveService.use { service async throws in
            try await set(service, #"{"delay_ms":300}"#)
            let start = ContinuousClock.now
            #expect(try await predict(service).head.hasPrefix("HTTP/1.1 200"))
            #expect(ContinuousClock.now - start >= .milliseconds(300))
        }
    }

    @Test(arguments: [400, 429, 500, 503])
    func `answer with any status`(status: Int) async throws {
        try await LiveService.use { service async throws in
            try await set(service, #"{"status":\#(status),"retry_after":7}"#)
            let answer = try await service.post("/predict", Self.question)
            #expect(answer.status == status)
            #expect(answer.headers["retry-after"] == "7")
            #expect(try await service.delete("/_fault").status == 200)
            #expect(try await service.post("/predict", Self.question).status == 200)
        }
    }

    @Test func `never answer, while others are answered and the service can still leave`() async throws {
        try await LiveService.use { service async throws in
            try await set(service, #"{"hang":true}"#)
            let report = try await predict(service, milliseconds: 400)
            #expect(report.ending == .deadline)
            #expect(report.received.isEmpty)
            let forgotten = try await eventually(within: .seconds(10)) {
                try await service.get("/_stats").number("in_flight") == 0
            }
            #expect(forgotten, "a request whose caller left must not stay")
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { _ = try await predict(service, milliseconds: 2000) }
                let hung = try await eventually(within: .seconds(10)) {
                    try await service.get("/_stats").number("in_flight") == 1
                }
                #expect(hung)
                #expect(try await service.get("/health").status == 200)
            }
        }
    }

    @Test func `reset the connection before the answer`() async throws {
        try await LiveService.use { service async throws in
            try await set(service, #"{"reset":true}"#)
            let report = try await predict(service)
            #expect(report.ending == .reset)
            #expect(report.received.isEmpty)
        }
    }

    @Test func `reset the connection in the middle of the answer`() async throws {
        try await LiveService.use { service async throws in
            try await set(service, #"{"reset":"middle"}"#)
            let report = try await predict(service)
            #expect(report.ending == .reset)
            let promised = try #require(report.promisedBytes)
            #expect(report.body.utf8.count < promised)
        }
    }

    @Test func `cut the answer short`() async throws {
        try await LiveService.use { service async throws in
            try await set(service, #"{"truncate":true}"#)
            let report = try await predict(service)
            #expect(report.ending == .closed)
            #expect(report.head.hasPrefix("HTTP/1.1 200"))
            let promised = try #require(report.promisedBytes)
            #expect(report.body.utf8.count == promised / 2)
        }
    }

    @Test func `let the answer drip`() async throws {
        try await LiveService.use { service async throws in
            try await set(service, #"{"drip_ms":20}"#)
            let start = ContinuousClock.now
            let report = try await predict(service)
            #expect(report.body.utf8.count == report.promisedBytes)
            #expect(ContinuousClock.now - start >= .milliseconds(160))
            #expect(report.pieces > 2)
        }
    }

    @Test func `meet their share and end after their count`() async throws {
        try await LiveService.use { service async throws in
            try await set(service, #"{"status":500,"share":0.5,"count":2}"#)
            var statuses: [Int] = []
            for _ in 0..<6 { statuses.append(try await service.post("/predict", Self.question).status) }
            #expect(statuses == [200, 500, 200, 500, 200, 200])
            let stats = try await service.get("/_stats")
            #expect(stats.number("faulted") == 2)
            #expect(stats.number("predictions") == 4)
        }
    }

    @Test func `make the health check fail or hang and leave predictions alone`() async throws {
        try await LiveService.use { service async throws in
            try await set(service, #"{"health":"fail"}"#)
            let health = try await service.get("/health")
            #expect(health.status == 503)
            #expect(health.string("status") == "unhealthy")
            try await set(service, #"{"health":"hang"}"#)
            let report = try await RawExchange.get("/health", port: service.port, within: .milliseconds(300))
            #expect(report.ending == .deadline)
            #expect(try await service.post("/predict", Self.question).status == 200)
        }
    }

    @Test func `meet training as well, and can be set from the start`() async throws {
        try await LiveService.use(ServiceConfiguration(faults: FaultSettings(status: 500))) { service async throws in
            #expect(try await service.post("/train", "{}").status == 500)
            #expect(try await service.get("/_fault").number("status") == 500)
        }
    }

    @Test(arguments: [
        (#"{"delay":1}"#, "delay"), (#"{"status":99}"#, "status"), (#"{"share":2}"#, "share"),
        (#"{"reset":"end"}"#, "reset"), (#"{"hang":true,"truncate":true}"#, "status"), (#"{"hang":1}"#, "hang"),
    ])
    func `refuse what they do not know`(fault: String, member: String) async throws {
        try await LiveService.use { service async throws in
            let answer = try await service.post("/_fault", fault)
            #expect(answer.status == 422, "\(answer)")
            #expect(answer.strings("detail.0.loc") == ["body", member], "\(answer)")
        }
    }
}
