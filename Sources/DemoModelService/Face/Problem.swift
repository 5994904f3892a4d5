import Foundation
import HTTPTypes
import Hummingbird

/// An error as FastAPI shows it, the form that clients of such services know: `detail` is a sentence or, for a wrong
/// body, a list of what is wrong where.
struct Problem: Error, HTTPResponseError, Equatable {
    struct Issue: Equatable, Encodable {
        let loc: [Step]
        let msg: String
        let type: String
    }

    /// A member's name or an index.
    enum Step: Equatable, Encodable {
        case member(String)
        case index(Int)

        func encode(to encoder: any Encoder) throws {
            var value = encoder.singleValueContainer()
            switch self {
            case .member(let name): try value.encode(name)
            case .index(let index): try value.encode(index)
            }
        }
    }

    enum Detail: Equatable { case sentence(String), issues([Issue]) }

    let status: HTTPResponse.Status
    let detail: Detail
    var headers: HTTPFields = [:]

    init(_ status: HTTPResponse.Status, _ sentence: String, headers: HTTPFields = [:]) {
        (self.status, self.detail, self.headers) = (status, .sentence(sentence), headers)
    }

    /// 422: the body's member at `path` is wrong.
    init(_ path: String..., type: String, msg: String) {
        self.init(Issue(loc: (["body"] + path).map { .member($0) }, msg: msg, type: type))
    }

    init(_ issue: Issue) { (self.status, self.detail) = (.unprocessableContent, .issues([issue])) }

    func response(from request: Request, context: some RequestContext) throws -> Response {
        let encoded =
            switch self.detail {
            case .sentence(let text): try Self.encoder.encode(["detail": text])
            case .issues(let issues): try Self.encoder.encode(["detail": issues])
            }
        var headers = self.headers
        headers[.contentType] = "application/json"
        return Response(status: self.status, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: encoded)))
    }

    private static var encoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}
