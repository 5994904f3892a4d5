/// Reads a JSON text by recursive descent; `JSONValue.depthMax` bounds the recursion.
struct JSONParser {
    private let bytes: [UInt8]
    private var index = 0
    private var depth = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    mutating func document() throws(JSONProblem) -> JSONValue {
        if self.bytes.starts(with: [0xEF, 0xBB, 0xBF]) { throw self.problem("it begins with a byte order mark") }
        let value = try self.value()
        self.skipBlanks()
        guard self.index == self.bytes.count else { throw self.problem("something follows the value") }
        return value
    }

    private mutating func value() throws(JSONProblem) -> JSONValue {
        self.skipBlanks()
        guard let first = self.present else { throw self.unexpected("a value") }
        switch first {
        case UInt8(ascii: "{"): return .object(try self.object())
        case UInt8(ascii: "["): return .array(try self.array())
        case UInt8(ascii: "\""): return .string(try self.string())
        case UInt8(ascii: "t"): return try self.word("true", .bool(true))
        case UInt8(ascii: "f"): return try self.word("false", .bool(false))
        case UInt8(ascii: "n"): return try self.word("null", .null)
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try self.number()
        default: throw self.unexpected("a value")
        }
    }

    private mutating func object() throws(JSONProblem) -> JSONObject {
        try self.enter()
        var object = JSONObject()
        if self.skip(UInt8(ascii: "}")) { return self.left(object) }
        repeat {
            self.skipBlanks()
            guard self.present == UInt8(ascii: "\"") else { throw self.unexpected("a name in double quotes") }
            let start = self.index
            let name = try self.string()
            guard self.skip(UInt8(ascii: ":")) else { throw self.unexpected("a colon after the name \"\(name)\"") }
            guard object.add(name, try self.value()) else {
                throw self.problem("the name \"\(name)\" is there twice", at: start)
            }
        } while self.skip(UInt8(ascii: ","))
        guard self.skip(UInt8(ascii: "}")) else { throw self.unexpected("a comma or }") }
        return self.left(object)
    }

    private mutating func array() throws(JSONProblem) -> [JSONValue] {
        try self.enter()
        var elements: [JSONValue] = []
        if self.skip(UInt8(ascii: "]")) { return self.left(elements) }
        repeat {
            elements.append(try self.value())
        } while self.skip(UInt8(ascii: ","))
        guard self.skip(UInt8(ascii: "]")) else { throw self.unexpected("a comma or ]") }
        return self.left(elements)
    }

    private mutating func enter() throws(JSONProblem) {
        guard self.depth < JSONValue.depthMax else {
            throw self.problem("more than \(JSONValue.depthMax) objects and arrays inside one another")
        }
        self.depth += 1
        self.index += 1
    }

    private mutating func left<Container>(_ container: Container) -> Container {
        self.depth -= 1
        return container
    }

    private mutating func word(_ word: StaticString, _ value: JSONValue) throws(JSONProblem) -> JSONValue {
        let isHere = word.withUTF8Buffer { self.bytes[self.index...].starts(with: $0) }
        guard isHere else { throw self.unexpected("a value") }
        self.index += word.utf8CodeUnitCount
        return value
    }

    // MARK: Numbers

    private mutating func number() throws(JSONProblem) -> JSONValue {
        let start = self.index
        if self.present == UInt8(ascii: "-") { self.index += 1 }
        let isZero = self.present == UInt8(ascii: "0")
        let digits = self.skipDigits()
        guard digits > 0 else { throw self.unexpected("a digit") }
        guard !isZero || digits == 1 else { throw self.problem("a number with a leading zero", at: start) }
        var isInteger = true
        if self.present == UInt8(ascii: ".") {
            self.index += 1
            isInteger = false
            guard self.skipDigits() > 0 else { throw self.unexpected("a digit after the point") }
        }
        if let mark = self.present, mark | 0x20 == UInt8(ascii: "e") {
            self.index += 1
            isInteger = false
            if self.present == UInt8(ascii: "+") || self.present == UInt8(ascii: "-") { self.index += 1 }
            guard self.skipDigits() > 0 else { throw self.unexpected("a digit of the exponent") }
        }
        let text = String(decoding: self.bytes[start..<self.index], as: UTF8.self)
        if isInteger, text != "-0", let integer = Int64(text) { return .integer(integer) }
        guard let number = Double(text), number.isFinite else {
            throw self.problem("a number that is too large", at: start)
        }
        return .number(number)
    }

    private mutating func skipDigits() -> Int {
        let start = self.index
        while let byte = self.present, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { self.index += 1 }
        return self.index - start
    }

    // MARK: Strings

    private mutating func string() throws(JSONProblem) -> String {
        let quote = self.index
        self.index += 1
        var runStart = self.index
        var unescaped: [UInt8] = []
        while true {
            guard let byte = self.present else { throw self.problem("a string without an end", at: quote) }
            guard byte >= 0x20 else { throw self.problem("a control character inside a string") }
            if byte == UInt8(ascii: "\"") { break }
            guard byte == UInt8(ascii: "\\") else {
                self.index += 1
                continue
            }
            unescaped += self.bytes[runStart..<self.index]
            unescaped += String(Character(try self.escape())).utf8
            runStart = self.index
        }
        let run = self.bytes[runStart..<self.index]
        let text =
            unescaped.isEmpty
            ? String(validating: run, as: UTF8.self) : String(validating: unescaped + run, as: UTF8.self)
        guard let text else { throw self.problem("a string that is not UTF-8", at: quote) }
        self.index += 1
        return text
    }

    private mutating func escape() throws(JSONProblem) -> Unicode.Scalar {
        let start = self.index
        self.index += 1
        guard let letter = self.present else { throw self.problem("a string without an end", at: start) }
        self.index += 1
        switch letter {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(letter)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try self.escapedScalar(from: start)
        default: throw self.problem("an unknown escape inside a string", at: start)
        }
    }

    /// Behind `\u`: one UTF-16 unit, or the two of a surrogate pair.
    private mutating func escapedScalar(from start: Int) throws(JSONProblem) -> Unicode.Scalar {
        let unit = try self.escapedUnit(from: start)
        if let scalar = Unicode.Scalar(unit) { return scalar }
        guard unit & 0xFC00 == 0xD800, self.bytes[self.index...].starts(with: [UInt8(ascii: "\\"), UInt8(ascii: "u")])
        else {
            throw self.problem("half of a surrogate pair", at: start)
        }
        self.index += 2
        let low = try self.escapedUnit(from: start)
        guard low & 0xFC00 == 0xDC00, let scalar = Unicode.Scalar(0x1_0000 + ((unit & 0x3FF) << 10 | low & 0x3FF))
        else {
            throw self.problem("half of a surrogate pair", at: start)
        }
        return scalar
    }

    private mutating func escapedUnit(from start: Int) throws(JSONProblem) -> UInt32 {
        var unit: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = self.present, let digit = Character(Unicode.Scalar(byte)).hexDigitValue, byte < 0x80 else {
                throw self.problem("an unknown escape inside a string", at: start)
            }
            unit = unit << 4 | UInt32(digit)
            self.index += 1
        }
        return unit
    }

    // MARK: Characters

    private var present: UInt8? { self.index < self.bytes.count ? self.bytes[self.index] : nil }

    private mutating func skipBlanks() {
        while let byte = self.present, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { self.index += 1 }
    }

    /// Steps over the character if it comes next, blanks before it included.
    private mutating func skip(_ byte: UInt8) -> Bool {
        self.skipBlanks()
        guard self.present == byte else { return false }
        self.index += 1
        return true
    }

    private func problem(_ sentence: String, at offset: Int? = nil) -> JSONProblem {
        JSONProblem(sentence, at: offset ?? self.index, in: self.bytes)
    }

    private func unexpected(_ wanted: String) -> JSONProblem {
        guard let byte = self.present else { return self.problem("it ends where \(wanted) is expected") }
        let shown = byte > 0x20 && byte < 0x7F ? "\"\(Character(Unicode.Scalar(byte)))\"" : "byte \(byte)"
        return self.problem("\(shown) stands where \(wanted) is expected")
    }
}
