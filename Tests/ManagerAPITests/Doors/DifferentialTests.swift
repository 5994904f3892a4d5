import Foundation
import Gateway
import ManagerTesting
import Testing

/// The two doors read requests with different parsers and write answers in different ways; callers and instances must
/// not be able to tell which one served. `DOOR_CASES` asks for more requests than the usual 60 a seed.
@Suite(.timeLimit(.minutes(5))) struct `The two doors` {
    private static let cases = ProcessInfo.processInfo.environment["DOOR_CASES"].flatMap { Int($0) } ?? 60

    @Test(arguments: SeededRandom.runs(2))
    func `serve the same request alike, at the instance and at the caller`(seed: SeededRandom) async throws {
        let stub = try await StubUpstream.start { _, request in
            let number = request.firstMatch(of: /x-answer: ([0-9]+)/).flatMap { Int($0.1) } ?? 0
            return [.send(DoorCase.answers[number]), .next]
        }
        try await TwoDoors.run { settings, _ in
            settings.retriesMax = 0
        } _: { doors in
            doors.register([try TwoDoors.service("a", at: stub.url)])
            var random = seed
            for number in 0..<Self.cases {
                let request = DoorCase(&random)
                try await Self.compare(request, doors, stub, "\(seed) case \(number)")
            }
            let statistics = await doors.plane.statistics()
            // Some headers make a request unusual in either form.
            #expect(statistics.fastRequests > Int64(Self.cases / 2))
        }
        await stub.stop()
    }

    private static func compare(_ request: DoorCase, _ doors: TwoDoors, _ stub: StubUpstream, _ place: String)
        async throws
    {
        let before = stub.requests.count
        let fast = try await doors.ask(request.withLength)
        let between = stub.requests.count
        let general = try await doors.ask(request.chunked)
        let requests = stub.requests
        let about = Comment(rawValue: "\(place): \(String(decoding: request.withLength.prefix(1500), as: UTF8.self))")
        #expect(Self.essence(fast) == Self.essence(general), about)
        let sent = requests[before...].map { Self.essence(ofRequest: $0) }
        #expect(requests.count - between == between - before, about)
        #expect(Array(sent.prefix(between - before)) == Array(sent.suffix(requests.count - between)), about)
    }

    /// Headers that a door may write as it likes, or that differ for each request.
    private static let incidental: Set<String> = [
        "date", "x-mm-upstream-ms", "transfer-encoding", "content-length", "connection", "x-request-id",
    ]

    private static func essence(_ answer: CallerAnswer) -> CallerAnswer {
        var essence = answer
        essence.headers = answer.headers.filter { !Self.incidental.contains($0.key) }
        let isOwn = answer["x-mm-error-code"] != nil
        if isOwn {
            // What protects a browser from the general door's answers is no part of the error.
            for name in ["x-content-type-options", "cache-control"] { essence.headers[name] = nil }
            essence.body.replace(/"request_id":"[0-9a-f-]{32,36}"/, with: "")
            essence.body.replace(/"ms":[0-9]+/, with: "")
        }
        return essence
    }

    /// Lines in alphabetical order, without the ids that are new for each request.
    private static func essence(ofRequest request: String) -> [String] {
        guard let end = request.firstRange(of: "\r\n\r\n") else { return [request] }
        var lines = request[..<end.lowerBound].split(separator: "\r\n").map(String.init)
        let first = lines.removeFirst()
        let known = lines.map { line -> String in
            let (name, value) = (line.prefix { $0 != ":" }.lowercased(), line.drop { $0 != ":" })
            if name == "traceparent" { return "\(name)\(value.contains("4bf92f35") ? value.prefix(37) : "")" }
            if name == "x-request-id" {
                return value.contains(/^: ([0-9a-f]{1,32}|[0-9a-f-]{36})$/) ? name : "\(name)\(value)"
            }
            return "\(name)\(value)"
        }
        return [first] + known.sorted() + [String(request[end.upperBound...])]
    }
}
