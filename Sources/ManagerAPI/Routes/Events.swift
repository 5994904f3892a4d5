internal import ClusterState
internal import Gateway
internal import Hummingbird
internal import NIOCore
internal import Registry

/// `GET /events`: what happened, a page at a time or as it happens.
///
/// A stream asks the store twice a second, so that their number is bounded. One that broke goes on where it was: browsers
/// name the last event that they saw in a header, when they connect again with the same query. While the store is away
/// a stream stays open and says so; all that ends it is its caller or the replica leaving.
struct Events: Sendable {
    let ports: FacePorts
    private let places = StreamPlaces(max: Self.streamsMax)

    init(ports: FacePorts) { self.ports = ports }

    static let streamsMax = 100

    /// Events of one page, however many are asked for.
    static let pageMax = 1000
    /// How long one wait for news takes at most, and so how soon a stream notices that this replica is leaving.
    static let turn: Duration = .seconds(1)
    /// Silent turns after which a comment tells proxies that the stream lives.
    static let silentTurnsMax = 15

    func show(_ call: Call) async throws -> Response {
        guard let log = self.ports.events else {
            throw Problem(.notFound, "this replica keeps no event log")
        }
        let limit = min(try call.query.pageLimit(), Self.pageMax)
        let after = try Self.id(call.query["after"], at: ["query", "after"])
        if try call.query.flag("follow") {
            let last = try Self.id(call.request.headers[.lastEventID], at: ["header", "last-event-id"])
            return try self.follow(log, last ?? after, call)
        }
        let events = try await log.events(after: after, limit: limit, wait: .zero)
        // Without a place to go on from these are the newest: nothing follows.
        let next = after != nil && events.count == limit ? events.last?.id : nil
        return .json(["events": .array(events.map(Self.json)), "next": JSONValue(next)])
    }

    /// Server-sent events until the caller or this replica leaves.
    private func follow(_ log: any EventLog, _ after: String?, _ call: Call) throws(Problem) -> Response {
        guard let place = self.places.take() else {
            throw Problem(.overloaded, "\(Self.streamsMax) streams of events are open already", retryAfter: 5)
        }
        let ports = self.ports
        let body = ResponseBody { writer in
            let output = BodyOutput(writer)
            try await call.whileCallerPresent { try await Self.stream(log, after, ports, to: output) }
            try await writer.finish(nil)
            withExtendedLifetime(place) {}
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/event-stream", .cacheControl: "no-store", .acceleratorBuffering: "no",
                .xContentTypeOptions: "nosniff",
            ],
            body: body
        )
    }

    private static func stream(
        _ log: any EventLog,
        _ after: String?,
        _ ports: FacePorts,
        to output: BodyOutput
    ) async throws {
        try await output.write("retry: 2000\n\n")
        var after = after
        var silentTurns = 0
        while !ports.replica.isDraining, !Task.isCancelled {
            let events: [ClusterEvent]
            do throws(Problem) {
                events = try await log.events(after: after, limit: Self.pageMax, wait: Self.turn)
            } catch {
                try await output.write(": \(error.code.rawValue)\n\n")
                try await ports.clocks.sleep(Self.turn)
                continue
            }
            silentTurns = events.isEmpty ? silentTurns + 1 : 0
            for event in events { try await output.write(Self.frame(event)) }
            after = events.last?.id ?? after
            guard silentTurns >= Self.silentTurnsMax else { continue }
            try await output.write(": still here\n\n")
            silentTurns = 0
        }
    }

    private static func frame(_ event: ClusterEvent) -> String {
        "id: \(event.id)\nevent: \(event.kind)\ndata: \(Self.json(event).serialized())\n\n"
    }

    private static func json(_ event: ClusterEvent) -> JSONValue {
        [
            "id": .string(event.id), "epoch": .integer(event.epoch.rawValue),
            "at": .string(event.at.description), "actor": .string(event.actor), "kind": .string(event.kind),
            "subject": .string(event.subject), "detail": .string(event.detail),
        ]
    }

    private static func id(_ text: String?, at place: [String]) throws -> String? {
        guard let text, !text.isEmpty else { return nil }
        guard Self.isPlain(text) else {
            throw Refusal.invalid(at: place, "must be the id of an event", type: "string_pattern_mismatch")
        }
        return text
    }

    private static func isPlain(_ id: String) -> Bool {
        id.utf8.count <= 64 && id.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }
    }
}
