internal import HTTPTypes
internal import Registry

/// All routes: which one a request means, and what to say when it means none.
///
/// Hummingbird's own router answers 404 to a wrong method and hands parameters on undecoded; a table that also makes
/// the OpenAPI document is shorter than working around both.
struct RouteTable: Sendable {
    /// A route with its path cut up, and what a request filled its parameters with.
    struct Match {
        var route: Route
        var parameters: [String: String]
    }

    private struct Row: Sendable {
        var route: Route
        var segments: [Substring]
        var literals: Int
    }

    let routes: [Route]
    private let rows: [Row]

    init(_ routes: [Route]) {
        self.routes = routes
        self.rows = routes.map { route in
            let segments = route.path.split(separator: "/")
            return Row(route: route, segments: segments, literals: segments.count { !$0.hasPrefix("{") })
        }
    }

    /// The route for a request. `segments` are those of a canonical path.
    ///
    /// A literal segment wins over a parameter, so `GET /services/register` asks for a method that does not exist
    /// there only if no service can have that name; ids are looked up where the method fits.
    /// - Throws: `not_found` with the nearest route, or `MethodNotAllowed` with what the path does allow.
    func find(_ method: HTTPRequest.Method, _ segments: [Substring]) throws -> Match {
        let matching = self.rows.filter { Self.matches($0.segments, segments) }
        guard !matching.isEmpty else { throw self.notFound(segments) }
        let asked = method == .head ? .get : method
        let fitting = matching.filter { $0.route.method == asked }
        guard let row = fitting.max(by: { $0.literals < $1.literals }) else {
            throw self.methodNotAllowed(method, matching)
        }
        return Match(route: row.route, parameters: Self.parameters(row.segments, segments))
    }

    private static func matches(_ pattern: [Substring], _ segments: [Substring]) -> Bool {
        pattern.count == segments.count && zip(pattern, segments).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
    }

    private static func parameters(_ pattern: [Substring], _ segments: [Substring]) -> [String: String] {
        let pairs = zip(pattern, segments).filter { $0.0.hasPrefix("{") }
        return Dictionary(pairs.map { (String($0.dropFirst().dropLast()), String($1)) }) { first, _ in first }
    }

    private func methodNotAllowed(_ method: HTTPRequest.Method, _ rows: [Row]) -> MethodNotAllowed {
        var allowed = Set(rows.map(\.route.method))
        if allowed.contains(.get) { allowed.insert(.head) }
        let sorted = allowed.sorted { $0.rawValue < $1.rawValue }
        let list = sorted.map(\.rawValue).joined(separator: ", ")
        let problem = Problem(
            .methodNotAllowed,
            "\(method.rawValue) is not allowed here",
            detail: "this path allows \(list)"
        )
        return MethodNotAllowed(problem: problem, allow: sorted)
    }

    private func notFound(_ segments: [Substring]) -> Problem {
        let asked = "/" + segments.joined(separator: "/")
        let nearest = self.rows.min { Self.distance($0.segments, segments) < Self.distance($1.segments, segments) }
        let hint = nearest.map { "did you mean \($0.route.path)?" } ?? "see /docs"
        return Problem(.notFound, "there is nothing at \(asked.prefix(200))", detail: hint)
    }

    /// Edits between the texts, where a parameter equals any segment, so that ids do not decide what is near.
    private static func distance(_ pattern: [Substring], _ segments: [Substring]) -> Int {
        let edits = zip(pattern, segments).map { $0.hasPrefix("{") ? 0 : EditDistance.between($0, $1.prefix(64)) }
        return edits.reduce(0, +) + 4 * abs(pattern.count - segments.count)
    }
}
