internal import Registry
internal import Yams

/// Turns YAML nodes into JSON values by the core schema, within bounds.
struct NodeReader {
    /// Nodes that may still be read; aliases count each time they are used.
    var nodesLeft: Int

    mutating func value(of node: Node, depth: Int) throws(ServicesFileProblem) -> JSONValue {
        self.nodesLeft -= 1
        guard self.nodesLeft >= 0 else { throw Self.problem(node, "the file has too many nodes") }
        guard depth <= JSONValue.depthMax else { throw Self.problem(node, "the file is nested too deeply") }
        switch node {
        case .scalar(let scalar): return try Self.value(of: scalar, node)
        case .sequence(let sequence): return try self.array(sequence, node, depth)
        case .mapping(let mapping): return try self.object(mapping, node, depth)
        case .alias: throw Self.problem(node, "an alias leads nowhere")
        }
    }

    private mutating func array(
        _ sequence: Node.Sequence,
        _ node: Node,
        _ depth: Int
    ) throws(ServicesFileProblem) -> JSONValue {
        try Self.refuseTag(sequence.tag, node)
        var elements: [JSONValue] = []
        for element in sequence { elements.append(try self.value(of: element, depth: depth + 1)) }
        return .array(elements)
    }

    private mutating func object(
        _ mapping: Node.Mapping,
        _ node: Node,
        _ depth: Int
    ) throws(ServicesFileProblem) -> JSONValue {
        try Self.refuseTag(mapping.tag, node)
        var object = JSONObject()
        for (key, value) in mapping {
            guard let name = key.scalar?.string else { throw Self.problem(key, "a key must be a plain word") }
            guard object[name] == nil else { throw Self.problem(key, "\"\(name)\" stands twice in one mapping") }
            object[name] = try self.value(of: value, depth: depth + 1)
        }
        return .object(object)
    }

    private static func value(of scalar: Node.Scalar, _ node: Node) throws(ServicesFileProblem) -> JSONValue {
        if scalar.tag.rawValue == Tag.Name.str.rawValue { return .string(scalar.string) }
        try Self.refuseTag(scalar.tag, node)
        guard scalar.style == .plain else { return .string(scalar.string) }
        switch scalar.string {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE": return .bool(true)
        case "false", "False", "FALSE": return .bool(false)
        default: return Self.number(scalar.string) ?? .string(scalar.string)
        }
    }

    /// Decimal numbers only; what else the core schema calls a number (octal, infinity) stays a word.
    private static func number(_ text: String) -> JSONValue? {
        let isDecimal = text.utf8.allSatisfy { byte in
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || "+-.eE".utf8.contains(byte)
        }
        guard isDecimal, text.utf8.contains(where: { $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        if let integer = Int64(text) { return .integer(integer) }
        return Double(text).flatMap { $0.isFinite ? .number($0) : nil }
    }

    private static func refuseTag(_ tag: Tag, _ node: Node) throws(ServicesFileProblem) {
        guard tag == .implicit || tag.rawValue.isEmpty || tag.rawValue == "!" else {
            throw Self.problem(node, "tags such as \(tag.rawValue) are not supported")
        }
    }

    private static func problem(_ node: Node, _ sentence: String) -> ServicesFileProblem {
        ServicesFileProblem(line: node.mark?.line ?? 1, column: node.mark?.column ?? 1, sentence: sentence)
    }
}
