import Foundation
import ManagerTesting
import Testing

/// The services file, hot.
@Suite struct `The services file of a running replica` {
    static func file(_ ids: [String], weight: Int = 100) -> String {
        let entries = ids.map {
            #""\#($0)": {"service_url": "http://127.0.0.1:9", "model_type": "M", "weight": \#(weight)}"#
        }
        return "{\"services\": {\(entries.joined(separator: ",\n"))}}"
    }

    @Test func `is applied within two seconds, and refused as a whole when it is broken`() async throws {
        let folder = try ScratchFolder()
        try folder.write(Self.file(["a", "b"]), to: "services.json")
        let replica = try await LocalReplica.start(folder: folder)
        let client = replica.client
        #expect(
            try await eventually(within: .seconds(5)) {
                try await client.get("/services").body.contains(#""service_id":"b""#)
            }
        )
        #expect(try await client.get("/services/a").body.contains(#""source":"file""#))
        try folder.write(Self.file(["a", "c"], weight: 7), to: "services.json")
        #expect(
            try await eventually(within: .seconds(4)) {
                let body = try await client.get("/services").body
                return body.contains(#""service_id":"c""#) && !body.contains(#""service_id":"b""#)
                    && body.contains(#""weight":7"#)
            }
        )
        try folder.write(
            "{\"services\": {\n  \"d\": {\"service_url\": \"http://127.0.0.1:9\", \"model_type\": \"M\", \"wight\": 1}}}",
            to: "services.json"
        )
        let line = try await replica.manager.errorLine(containing: "wight", within: .seconds(5))
        #expect(line?.contains("2") == true, "\(replica.manager.standardError)")
        let body = try await client.get("/services").body
        #expect(body.contains(#""service_id":"c""#) && !body.contains(#""service_id":"d""#))
    }

    @Test func `does not undo what the API changed, not even after a restart`() async throws {
        let folder = try ScratchFolder()
        try folder.write(Self.file(["a"]), to: "services.json")
        var replica = try await LocalReplica.start(folder: folder)
        let client = replica.client
        #expect(try await eventually(within: .seconds(5)) { try await client.get("/services/a").status == 200 })
        #expect(try await client.send("PATCH", "/services/a", body: #"{"weight": 55}"#).status == 200)
        replica.manager.signal(SIGTERM)
        #expect(try await replica.manager.exitCode(within: .seconds(20)) == 0)
        try await replica.startAgain()
        let again = replica.client
        #expect(try await eventually(within: .seconds(5)) { try await again.get("/services/a").status == 200 })
        #expect(try await again.get("/services/a").body.contains(#""weight":55"#))
    }
}
