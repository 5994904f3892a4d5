import Foundation
import HTTPTypes
import HummingbirdTesting
import Registry
import Testing

@testable import ManagerAPI

/// The OpenAPI document says what the routes do.
@Suite struct OpenAPITests {
    private let replica = FakeReplica()

    @Test func `lists exactly the routes`() async throws {
        let document = try await self.replica.send(.get, "/openapi.json").members()
        let paths = try #require(document["paths"] as? [String: [String: Any]])
        let documented = paths.flatMap { path, item in item.keys.map { "\($0.uppercased()) \(path)" } }
        let routes = self.replica.face().responder.table.routes.map { "\($0.method.rawValue) \($0.path)" }
        #expect(Set(documented) == Set(routes))
        #expect(routes.count == Set(routes).count)
    }

    @Test func `serves every route of the contract that this issue builds`() {
        let routes = Set(self.replica.face().responder.table.routes.map { "\($0.method.rawValue) \($0.path)" })
        let contract = [
            "GET /services", "POST /services/register", "GET /services/{service_id}", "PATCH /services/{service_id}",
            "DELETE /services/{service_id}", "POST /services/{service_id}/heartbeat",
            "POST /services/{service_id}/drain", "DELETE /services/{service_id}/drain",
            "GET /services/{service_id}/health", "GET /models", "GET /models/{model_type}", "POST /predict",
            "POST /train", "GET /train", "GET /train/{job}", "DELETE /train/{job}", "GET /health", "GET /health/live",
            "GET /health/ready", "GET /cluster",
            "GET /cluster/stats", "GET /events", "GET /explain", "GET /metrics", "GET /openapi.json", "GET /docs",
            "GET /dashboard",
        ]
        #expect(Set(contract).subtracting(routes).isEmpty)
    }

    @Test func `names operations once and resolves every reference`() async throws {
        let answer = try await self.replica.send(.get, "/openapi.json")
        let document = try JSONValue.parse(answer.text)
        let schemas = Set(document["components"]?["schemas"]?.asObject?.names ?? [])
        let responses = Set(document["components"]?["responses"]?.asObject?.names ?? [])
        let references = answer.text.matches(of: /"#\/components\/(schemas|responses)\/([A-Za-z0-9]+)"/)
        for reference in references {
            let known = reference.1 == "schemas" ? schemas : responses
            #expect(known.contains(String(reference.2)), "\(reference.0)")
        }
        #expect(references.count > 50)
        let used = Set(references.filter { $0.1 == "schemas" }.map { String($0.2) })
        #expect(schemas.subtracting(used).isEmpty)
        let names = answer.text.matches(of: /"operationId":"([A-Za-z]+)"/).map { String($0.1) }
        #expect(names.count == Set(names).count)
    }

    @Test(arguments: ["/predict", "/v2/models/{model_type}/infer"])
    func `tells that a prediction may be refused by its media type`(path: String) async throws {
        let document = try JSONValue.parse(try await self.replica.send(.get, "/openapi.json").text)
        let answers = document["paths"]?[path]?["post"]?["responses"]?.asObject?.names ?? []
        #expect(answers.contains("415"), "\(answers)")
    }

    static let validator = ["python3", "-c", "import openapi_spec_validator"]

    @Test(.enabled(if: Self.succeeds(Self.validator), "PyPI's openapi-spec-validator is not installed"))
    func `is valid in the eyes of openapi-spec-validator`() async throws {
        let answer = try await self.replica.send(.get, "/openapi.json")
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("openapi-\(UUID()).json")
        try Data(answer.text.utf8).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        #expect(Self.succeeds(["python3", "-m", "openapi_spec_validator", file.path]))
    }

    private static func succeeds(_ command: [String]) -> Bool {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}
