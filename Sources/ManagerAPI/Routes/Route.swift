internal import HTTPTypes
internal import Hummingbird
internal import Registry

/// One row of the route table: what is served, and what the OpenAPI document says about it.
///
/// Dispatch, the answers 404 and 405 and the document are all made of these rows, so they cannot disagree.
struct Route: Sendable {
    typealias Handler = @Sendable (Call) async throws -> Response

    /// A parameter of the path or the query.
    struct Parameter: Sendable {
        enum Place: String, Sendable { case path, query, header }
        var name: String
        var place: Place
        var about: String
        /// JSON schema.
        var schema: JSONValue
        var isRequired = false
    }

    /// Who may ask for a route, where callers must show who they are.
    enum Access: Hashable, Sendable {
        /// Reading needs `predict`, everything else `operator`: a route that says nothing is not open by mistake.
        case byMethod
        case role(Role)
        /// Everybody; for those who ask whether the replica lives.
        case open

        /// Nil: everybody.
        func role(for method: HTTPRequest.Method) -> Role? {
            switch self {
            case .byMethod: method == .get || method == .head ? .predict : .operator
            case .role(let role): role
            case .open: nil
            }
        }
    }

    /// A success that the route can answer with.
    struct Answer: Sendable {
        var status: Int
        var about: String
        var media = "application/json"
        /// Name in the document's components; nil when the answer has no body.
        var schema: String?
    }

    var method: HTTPRequest.Method
    /// With parameters in braces, as in the document.
    var path: String
    /// `operationId` of the document; unique.
    var name: String
    var tag: String
    var summary: String
    var parameters: [Parameter] = []
    /// Name of the body's schema in the document's components.
    var body: String?
    var bodyExample: JSONValue?
    var answers: [Answer]
    var problems: [Problem.Code] = []
    /// Whether the caller must accept JSON: not for routes that answer with what a model service says.
    var negotiates = true
    /// Who may ask for it.
    var access = Access.byMethod
    var handler: Handler
}

extension Route.Parameter {
    static func path(_ name: String, _ about: String) -> Self {
        let schema: JSONValue = ["type": "string", "pattern": .string("^\(NameRule.pattern)$"), "maxLength": 128]
        return Self(name: name, place: .path, about: about, schema: schema, isRequired: true)
    }

    static func query(_ name: String, _ about: String, _ schema: JSONValue) -> Self {
        Self(name: name, place: .query, about: about, schema: schema)
    }

    static func header(_ name: String, _ about: String, _ schema: JSONValue) -> Self {
        Self(name: name, place: .header, about: about, schema: schema)
    }
}

extension Route.Answer {
    static func ok(_ schema: String, _ about: String) -> Self { Self(status: 200, about: about, schema: schema) }
}
