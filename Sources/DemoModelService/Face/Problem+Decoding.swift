import Foundation

/// Says where in the body a decoder stumbled, in FastAPI's words.
extension Problem {
    init(_ error: DecodingError) {
        switch error {
        case .keyNotFound(let key, let context):
            self.init(Issue(loc: Self.loc(context.codingPath + [key]), msg: "Field required", type: "missing"))
        case .typeMismatch(let expected, let context):
            self.init(Self.wrongType(expected, context.codingPath))
        case .valueNotFound(let expected, let context):
            self.init(Self.wrongType(expected, context.codingPath))
        case .dataCorrupted(let context) where context.codingPath.isEmpty:
            self.init(Issue(loc: [.member("body")], msg: "JSON decode error", type: "json_invalid"))
        case .dataCorrupted(let context):
            let loc = Self.loc(context.codingPath)
            self.init(Issue(loc: loc, msg: context.debugDescription, type: "value_error"))
        @unknown default:
            self.init(Issue(loc: [.member("body")], msg: "\(error)", type: "value_error"))
        }
    }

    private static func wrongType(_ expected: any Any.Type, _ path: [any CodingKey]) -> Issue {
        let name =
            switch expected {
            case is Double.Type: "number"
            case is any BinaryInteger.Type: "integer"
            case is String.Type: "string"
            case is Bool.Type: "boolean"
            case is [Any].Type: "list"
            default: "object"
            }
        return Issue(loc: Self.loc(path), msg: "Input should be a valid \(name)", type: "\(name)_type")
    }

    private static func loc(_ path: [any CodingKey]) -> [Step] {
        [.member("body")] + path.map { key in key.intValue.map { .index($0) } ?? .member(key.stringValue) }
    }
}
