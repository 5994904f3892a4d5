/// A JSON value as people and programs send it to the manager: registrations, the services file, answers.
///
/// Our own, because Foundation's coders hide where a text is wrong, lose the order of members and the exactness of
/// integers, and drop one of two equal keys without a word. The bodies of predictions never become one: see `BodyScan`.
public enum JSONValue: Hashable, Sendable {
    case null
    case bool(Bool)
    /// A number written without fraction and exponent that fits.
    case integer(Int64)
    /// Any other number; always finite.
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object(JSONObject)

    /// Objects and arrays inside one another.
    public static let depthMax = 64

    /// Reads one JSON text by RFC 8259, strictly: no byte order mark, no comments, no key twice, nothing after it.
    public static func parse(_ bytes: [UInt8]) throws(JSONProblem) -> JSONValue {
        var parser = JSONParser(bytes)
        return try parser.document()
    }

    public static func parse(_ text: String) throws(JSONProblem) -> JSONValue {
        try self.parse(Array(text.utf8))
    }

    /// The JSON text. Integers are exact, other numbers the shortest text that reads back the same; what JSON has no
    /// number for (infinite, not a number) becomes `null`. `pretty` is for people: one member a line, two blanks deep.
    public func serialized(pretty: Bool = false) -> String {
        var writer = JSONWriter(isPretty: pretty)
        writer.write(self)
        return writer.text
    }
}

extension JSONValue {
    public var asBool: Bool? {
        if case .bool(let value) = self { value } else { nil }
    }

    public var asInteger: Int64? {
        if case .integer(let value) = self { value } else { nil }
    }

    /// Any number.
    public var asNumber: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .null, .bool, .string, .array, .object: nil
        }
    }

    public var asString: String? {
        if case .string(let value) = self { value } else { nil }
    }

    public var asArray: [JSONValue]? {
        if case .array(let value) = self { value } else { nil }
    }

    public var asObject: JSONObject? {
        if case .object(let value) = self { value } else { nil }
    }

    /// The member of an object; nil when it has none of that name or is no object.
    public subscript(_ name: String) -> JSONValue? {
        self.asObject?[name]
    }

    /// What people call this kind of value, with its article.
    public var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .number: "a number"
        case .string: "a string"
        case .array: "an array"
        case .object: "an object"
        }
    }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByNilLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    public init(stringLiteral value: String) { self = .string(value) }
    public init(integerLiteral value: Int64) { self = .integer(value) }
    public init(floatLiteral value: Double) { self = .number(value) }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(nilLiteral: ()) { self = .null }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        var object = JSONObject()
        for (name, value) in elements { object[name] = value }
        self = .object(object)
    }
}

extension JSONValue: CustomStringConvertible {
    public var description: String { self.serialized() }
}
