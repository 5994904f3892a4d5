internal import HTTPTypes
internal import Registry

/// The OpenAPI 3.1 document, made of the table that also dispatches.
enum OpenAPIDocument {
    static func json(_ routes: [Route], version: String, authenticates: Bool = false) -> JSONValue {
        [
            "openapi": "3.1.0",
            "info": [
                "title": "Model Manager", "version": .string(version),
                "description": .string(self.about),
                "license": ["name": "Apache-2.0", "identifier": "Apache-2.0"],
            ],
            "tags": .array(self.tags.map { ["name": .string($0), "description": .string($1)] }),
            "paths": .members(self.paths(routes, authenticates)),
            "components": [
                "schemas": self.schemas,
                "responses": .members(self.problems),
                "securitySchemes": self.schemes,
            ],
        ]
    }

    /// The schemas of bodies; a file of their own, because they are data. A test parses it.
    private static var schemas: JSONValue {
        (try? JSONValue.parse(PackageResources.schemas_json)) ?? .null
    }

    private static let about = """
        One door in front of many ML model services: it knows which exist, which are well and which version is live, \
        and sends each request to the right one. Every answer carries `x-request-id` and `x-mm-replica`. Every route \
        honours `x-mm-epoch`: it waits, 2 s at most, until this replica knows that epoch.
        """

    private static let tags = [
        ("services", "What is registered, and how it does"), ("models", "What callers come for"),
        ("inference", "The Open Inference Protocol, in front of every model"),
        ("training", "Jobs that make versions"),
        ("replica", "This process"), ("cluster", "For operators"), ("pages", "For people"),
    ]

    private static func paths(_ routes: [Route], _ authenticates: Bool) -> JSONValue.Members {
        var order: [String] = []
        for route in routes where !order.contains(route.path) { order.append(route.path) }
        return order.map { path in
            let here = routes.filter { $0.path == path }
            let operations = here.map {
                ($0.method.rawValue.lowercased(), self.operation($0, authenticates))
            }
            return (path, .members(operations))
        }
    }

    private static func operation(_ route: Route, _ authenticates: Bool) -> JSONValue {
        var operation: JSONValue = [
            "operationId": .string(route.name), "tags": [.string(route.tag)], "summary": .string(route.summary),
        ]
        if let role = route.access.role(for: route.method) {
            operation = operation.adding("x-required-role", .string(role.rawValue))
            if authenticates { operation = operation.adding("security", self.security) }
        }
        if !route.parameters.isEmpty {
            operation = operation.adding("parameters", .array(route.parameters.map(Self.json)))
        }
        if let body = route.body { operation = operation.adding("requestBody", self.body(body, route.bodyExample)) }
        return operation.adding("responses", .members(self.answers(route) + self.refusals(route)))
    }

    /// Any of them.
    private static let security: JSONValue = [["bearer": []], ["key": []]]

    private static let schemes: JSONValue = [
        "bearer": [
            "type": "http", "scheme": "bearer",
            "description": "A key of AUTH_KEYS_FILE, or a token (JWT) signed by a key of AUTH_JWKS_FILE.",
        ],
        "key": ["type": "apiKey", "in": "header", "name": "x-api-key", "description": "A key of AUTH_KEYS_FILE."],
    ]

    private static func json(_ parameter: Route.Parameter) -> JSONValue {
        [
            "name": .string(parameter.name), "in": .string(parameter.place.rawValue),
            "required": .bool(parameter.isRequired),
            "description": .string(parameter.about), "schema": parameter.schema,
        ]
    }

    private static func body(_ schema: String, _ example: JSONValue?) -> JSONValue {
        var media = self.reference(schema)
        if let example { media = media.adding("example", example) }
        return ["required": true, "content": ["application/json": media]]
    }

    private static func reference(_ schema: String) -> JSONValue {
        ["schema": ["$ref": .string("#/components/schemas/\(schema)")]]
    }

    /// Successes of one status with several media types become one answer with several contents.
    private static func answers(_ route: Route) -> JSONValue.Members {
        var order: [Int] = []
        for answer in route.answers where !order.contains(answer.status) { order.append(answer.status) }
        return order.map { status in
            let here = route.answers.filter { $0.status == status }
            let about = here.map(\.about).filter { !$0.isEmpty }.joined(separator: " ")
            let contents: JSONValue.Members = here.compactMap { answer in
                answer.schema.map { (answer.media, self.reference($0)) }
            }
            var answer: JSONValue = ["description": .string(about)]
            if !contents.isEmpty { answer = answer.adding("content", .members(contents)) }
            return (String(status), answer)
        }
    }

    /// Every problem a route can answer with, gathered by status; a status that is a success as well stays one.
    private static func refusals(_ route: Route) -> JSONValue.Members {
        let own = Set(route.answers.map(\.status))
        let general: [Problem.Code] = [.invalidRequest, .epochNotReached, .internalError]
        let negotiation: [Problem.Code] = route.negotiates ? [.notAcceptable] : []
        let typed: [Problem.Code] = route.negotiates && route.body != nil ? [.unsupportedMediaType] : []
        let access: [Problem.Code] = route.access == .open ? [] : [.unauthorized, .forbidden, .rateLimited]
        let statuses = Set((route.problems + general + negotiation + typed + access).map(\.status)).subtracting(own)
        return statuses.sorted().map { status in
            (String(status), ["$ref": .string("#/components/responses/Problem\(status)")])
        }
    }

    /// One shared answer per status, which names its codes.
    private static var problems: JSONValue.Members {
        let statuses = Set(Problem.Code.allCases.map(\.status)).sorted()
        return statuses.map { status in
            let codes = Problem.Code.allCases.filter { $0.status == status }.map { "`\($0.rawValue)`" }
            let content: JSONValue = ["application/json": ["schema": ["$ref": "#/components/schemas/Problem"]]]
            return (
                "Problem\(status)",
                ["description": .string(codes.joined(separator: ", ")), "content": content]
            )
        }
    }
}
