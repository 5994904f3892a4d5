/// Writes JSON texts into one growing buffer.
struct JSONWriter {
    private var bytes: [UInt8] = []
    private var depth = 0
    private let isPretty: Bool

    init(isPretty: Bool) {
        self.isPretty = isPretty
    }

    var text: String { String(decoding: self.bytes, as: UTF8.self) }

    mutating func write(_ value: JSONValue) {
        switch value {
        case .null: self.bytes += "null".utf8
        case .bool(let value): self.bytes += (value ? "true" : "false").utf8
        case .integer(let value): self.bytes += String(value).utf8
        case .number(let value): self.bytes += (value.isFinite ? "\(value)" : "null").utf8
        case .string(let value): self.write(text: value)
        case .array(let elements): self.write(elements)
        case .object(let object): self.write(object)
        }
    }

    private mutating func write(_ elements: [JSONValue]) {
        self.bytes.append(UInt8(ascii: "["))
        self.depth += 1
        for (place, element) in elements.enumerated() {
            self.separate(isFirst: place == 0)
            self.write(element)
        }
        self.close(UInt8(ascii: "]"), isEmpty: elements.isEmpty)
    }

    private mutating func write(_ object: JSONObject) {
        self.bytes.append(UInt8(ascii: "{"))
        self.depth += 1
        for (place, member) in object.members.enumerated() {
            self.separate(isFirst: place == 0)
            self.write(text: member.name)
            self.bytes.append(UInt8(ascii: ":"))
            if self.isPretty { self.bytes.append(UInt8(ascii: " ")) }
            self.write(member.value)
        }
        self.close(UInt8(ascii: "}"), isEmpty: object.isEmpty)
    }

    private mutating func separate(isFirst: Bool) {
        if !isFirst { self.bytes.append(UInt8(ascii: ",")) }
        if self.isPretty { self.breakLine() }
    }

    private mutating func close(_ bracket: UInt8, isEmpty: Bool) {
        self.depth -= 1
        if self.isPretty, !isEmpty { self.breakLine() }
        self.bytes.append(bracket)
    }

    private mutating func breakLine() {
        self.bytes.append(UInt8(ascii: "\n"))
        for _ in 0..<self.depth { self.bytes += "  ".utf8 }
    }

    private mutating func write(text: String) {
        self.bytes.append(UInt8(ascii: "\""))
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\""), UInt8(ascii: "\\"): self.bytes += [UInt8(ascii: "\\"), byte]
            case UInt8(ascii: "\n"): self.bytes += "\\n".utf8
            case UInt8(ascii: "\r"): self.bytes += "\\r".utf8
            case UInt8(ascii: "\t"): self.bytes += "\\t".utf8
            case 0x00...0x1F:
                self.bytes += (byte < 0x10 ? "\\u000" : "\\u00").utf8
                self.bytes += String(byte, radix: 16).utf8
            default: self.bytes.append(byte)
            }
        }
        self.bytes.append(UInt8(ascii: "\""))
    }
}
