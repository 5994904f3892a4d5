import Foundation
import Gateway
import HTTPTypes
import HummingbirdTesting
import Registry
import Testing

@testable import ManagerAPI

/// `/metrics` in both formats, read by a small strict parser.
@Suite struct MetricsTests {
    private static let openMetrics =
        "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"

    private func replica() throws -> FakeReplica {
        let replica = FakeReplica()
        try replica.add("a")
        let id = try #require(ServiceID("a"))
        var state = InstanceState(key: InstanceKey(service: id, url: try ServiceURL("http://a:8000/x")))
        state.breaker = .halfOpen
        let known = state
        replica.edit { replica in
            replica.states[id] = [known]
            replica.statistics.requests = 12
            replica.statistics.answers = [0, 10, 0, 1, 1]
            replica.statistics.problems = ["no_healthy_service": 1]
            replica.statistics.overhead.counts[0] = 3
            replica.statistics.overhead.counts[19] = 1
            replica.statistics.overhead.sumMicroseconds = 61_000_090
            replica.statistics.services[id] = ServiceTraffic()
        }
        return replica
    }

    @Test func `writes the text format by default`() async throws {
        let answer = try await self.replica().send(.get, "/metrics")
        #expect(answer.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
        let page = try ExpositionText(answer.text, isOpenMetrics: false)
        #expect(page.value("model_manager_cluster_replicas") == 1)
        #expect(page.value("model_manager_leader") == 1)
        #expect(page.value("model_manager_leader_term") == 1)
        #expect(page.value("model_manager_requests_held") == 0)
        #expect(page.value("model_manager_requests_total") == 12)
        #expect(page.value("model_manager_answers_total", "class=\"2xx\"") == 10)
        #expect(page.value("model_manager_problems_total", "code=\"no_healthy_service\"") == 1)
        #expect(page.value("model_manager_overhead_seconds_bucket", "le=\"5e-05\"") == 3)
        #expect(page.value("model_manager_overhead_seconds_bucket", "le=\"60\"") == 3)
        #expect(page.value("model_manager_overhead_seconds_bucket", "le=\"+Inf\"") == 4)
        #expect(page.value("model_manager_overhead_seconds_sum") == 61.00009)
        let instance = "service=\"a\",instance=\"http://a:8000/x\""
        #expect(page.value("model_manager_instance_breaker_state", instance) == 2)
        #expect(page.names.allSatisfy { $0.hasPrefix("model_manager_") })
        #expect(page.value("model_manager_process_resident_memory_bytes").map { $0 > 1_000_000 } == true)
    }

    @Test func `writes OpenMetrics when asked`() async throws {
        let answer = try await self.replica().send(.get, "/metrics", headers: [.accept: Self.openMetrics])
        #expect(answer.headers[.contentType]?.hasPrefix("application/openmetrics-text; version=1.0.0") == true)
        let page = try ExpositionText(answer.text, isOpenMetrics: true)
        #expect(page.value("model_manager_requests_total") == 12)
        #expect(page.names.contains("model_manager_requests"))
    }

    private func traffic(_ count: Int, _ replica: FakeReplica) throws {
        let type = try #require(ModelType("LSTM"))
        let rows = try (0..<count).map { place in
            var service = try FakeReplica.service("s\(place)")
            let version = try #require(ModelVersion("v\(place)"))
            service.definition.modelVersion = version
            return (service, VersionTraffic(type: type, version: version, requests: 9, failures: 2, inFlight: 1))
        }
        let gone = VersionTraffic(type: type, version: try #require(ModelVersion("gone")), requests: 3)
        replica.edit { state in
            state.snapshot = RegistrySnapshot(epoch: Epoch(9), services: rows.map(\.0), pointers: [:])
            state.versionTraffic = rows.map(\.1) + [gone]
        }
    }

    @Test func `shows what callers got of each version that there is`() async throws {
        let replica = try self.replica()
        try self.traffic(2, replica)
        let page = try ExpositionText(try await replica.send(.get, "/metrics").text, isOpenMetrics: false)
        let labels = "model_type=\"LSTM\",version=\"v1\""
        #expect(page.value("model_manager_model_requests_total", labels + ",outcome=\"success\"") == 7)
        #expect(page.value("model_manager_model_requests_total", labels + ",outcome=\"failure\"") == 2)
        #expect(page.value("model_manager_model_requests_in_flight", labels) == 1)
        #expect(page.value("model_manager_model_versions_left_out") == 0)
    }

    @Test func `bounds the series of versions, and says how many are left out`() async throws {
        let replica = try self.replica()
        try self.traffic(Metrics.versionsMax + 3, replica)
        let text = try await replica.send(.get, "/metrics").text
        #expect(text.matches(of: /\nmodel_manager_model_requests_in_flight\{/).count == Metrics.versionsMax)
        #expect(text.contains("\nmodel_manager_model_versions_left_out 3\n"))
        #expect(!text.contains("version=\"gone\""))
    }

    @Test func `of versions are the ones that docs/lifecycle.md explains`() async throws {
        let replica = try self.replica()
        try self.traffic(1, replica)
        let text = try await replica.send(.get, "/metrics").text
        let shown = Set(text.matches(of: /# TYPE (model_manager_model_\w+)/).map { String($0.1) })
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appending(
            path: "../../docs/lifecycle.md"
        )
        let document = try String(contentsOf: root, encoding: .utf8)
        #expect(Set(document.matches(of: /\| `(model_manager_model_\w+)` \|/).map { String($0.1) }) == shown)
    }

    @Test func `escapes what a label may hold`() throws {
        var page = MetricsPage(.prometheus)
        page.family("x", .gauge, "A \\ and a\nbreak.", [([("l", "a\"b\\c\nd")], 1.5)])
        #expect(page.text == "# HELP x A \\\\ and a\\nbreak.\n# TYPE x gauge\nx{l=\"a\\\"b\\\\c\\nd\"} 1.5\n")
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/promtool"), "promtool is not installed"))
    func `is accepted by promtool`() async throws {
        let answer = try await self.replica().send(.get, "/metrics")
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("metrics-\(UUID()).txt")
        try Data(answer.text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/promtool")
        process.arguments = ["check", "metrics"]
        process.standardInput = try FileHandle(forReadingFrom: file)
        try process.run()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
    }
}

/// A strict reading of the exposition formats: every sample under its family, histograms cumulative, an end.
struct ExpositionText {
    struct Fault: Error { var line: String }

    private(set) var names: [String] = []
    private var samples: [String: Double] = [:]

    init(_ text: String, isOpenMetrics: Bool) throws {
        guard text.hasSuffix("\n") else { throw Fault(line: "no line feed at the end") }
        var lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
        if isOpenMetrics, lines.popLast() != "# EOF" { throw Fault(line: "no # EOF") }
        var family = ""
        var type = ""
        var lastBucket = -1.0
        for line in lines {
            let words = line.split(separator: " ", maxSplits: 3)
            if line.hasPrefix("# HELP ") {
                family = String(words[2])
                guard words.count == 4, !self.names.contains(family) else { throw Fault(line: String(line)) }
                self.names.append(family)
            } else if line.hasPrefix("# TYPE ") {
                type = String(words[3])
                guard words[2] == family, ["counter", "gauge", "histogram"].contains(type) else {
                    throw Fault(line: String(line))
                }
            } else {
                try self.sample(String(line), family, type, isOpenMetrics, &lastBucket)
            }
        }
    }

    private mutating func sample(
        _ line: String,
        _ family: String,
        _ type: String,
        _ isOpenMetrics: Bool,
        _ lastBucket: inout Double
    ) throws {
        let pattern = /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\]|\\.)*",?)+)\})? (\S+)$/
        guard let match = line.wholeMatch(of: pattern), let value = Double(match.3.replacing("Inf", with: "inf")) else {
            throw Fault(line: line)
        }
        let suffixes =
            switch type {
            case "histogram": ["_bucket", "_sum", "_count"]
            case "counter" where isOpenMetrics: ["_total"]
            default: [""]
            }
        guard suffixes.contains(where: { family + $0 == match.1 }) else { throw Fault(line: line) }
        guard type != "counter" || match.1.hasSuffix("_total") else { throw Fault(line: line) }
        if match.1.hasSuffix("_bucket") {
            guard value >= lastBucket else { throw Fault(line: line) }
            lastBucket = line.contains("+Inf") ? -1 : value
        }
        let key = match.1 + "{" + (match.2 ?? "") + "}"
        guard self.samples.updateValue(value, forKey: String(key)) == nil else { throw Fault(line: line) }
    }

    func value(_ name: String, _ labels: String = "") -> Double? { self.samples["\(name){\(labels)}"] }
}
