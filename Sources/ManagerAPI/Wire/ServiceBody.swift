internal import Gateway
internal import NIOCore
internal import Registry

/// Reads what callers say about services: 400 with line and column for what is no JSON, 422 with every fault at once
/// for what is no service.
enum ServiceBody {
    static func definition(_ body: ByteBuffer) throws -> ServiceDefinition {
        try ServiceForm.read(self.json(body), id: nil)
    }

    static func patch(_ body: ByteBuffer) throws -> ServicePatch {
        let patch = try ServicePatch.read(self.json(body))
        guard patch != ServicePatch() else {
            throw Refusal.invalid(at: ["body"], "changes nothing: it has no member", type: "missing")
        }
        return patch
    }

    static func json(_ body: ByteBuffer) throws(Problem) -> JSONValue {
        do throws(JSONProblem) {
            return try JSONValue.parse(Array(body.readableBytesView))
        } catch {
            throw Problem(.invalidRequest, "the body is not JSON: \(error)", detail: error.description)
        }
    }
}
