public import NIOCore
public import Registry

/// The one JSON body that every error of the manager has, whatever the route and the door.
public enum ProblemBody {
    public static let contentType = "application/json"

    /// `faults` say what is wrong where, at 422; then `detail` is that list.
    public static func render(_ problem: Problem, faults: [Refusal.Fault] = [], requestID: String) -> ByteBuffer {
        var body = JSONText()
        body.open("{")
        body.member("error", problem.message)
        body.member("code", problem.code.rawValue)
        if !faults.isEmpty {
            body.name("detail")
            body.list(faults) { body, fault in
                body.open("{")
                body.name("loc")
                body.list(fault.location) { $0.string($1) }
                body.member("msg", fault.message)
                body.member("type", fault.type)
                body.close("}")
            }
        } else {
            body.member("detail", problem.detail ?? problem.message)
        }
        body.member("request_id", requestID)
        body.name("attempts")
        body.list(problem.attempts) { body, attempt in
            body.open("{")
            body.member("service_id", attempt.service.text)
            body.member("url", attempt.url.description)
            body.member("outcome", attempt.outcome)
            body.name("ms")
            body.raw(String(attempt.milliseconds))
            body.close("}")
        }
        body.close("}")
        return ByteBuffer(string: body.text)
    }
}

/// Writes JSON text piece by piece; escapes what must be escaped, and `<` too, so that no page takes it for markup.
struct JSONText {
    private(set) var text = ""
    private var needsComma = false

    mutating func open(_ bracket: String) {
        self.separate()
        self.text += bracket
        self.needsComma = false
    }

    mutating func close(_ bracket: String) {
        self.text += bracket
        self.needsComma = true
    }

    mutating func name(_ name: String) {
        self.string(name)
        self.text += ":"
        self.needsComma = false
    }

    mutating func member(_ name: String, _ value: String) {
        self.name(name)
        self.string(value)
    }

    mutating func raw(_ value: String) {
        self.separate()
        self.text += value
        self.needsComma = true
    }

    mutating func list<Element>(_ elements: [Element], _ write: (inout JSONText, Element) -> Void) {
        self.open("[")
        for element in elements { write(&self, element) }
        self.close("]")
    }

    mutating func string(_ value: String) {
        self.separate()
        self.text += "\""
        for scalar in value.unicodeScalars {
            switch scalar {
            case "\"": self.text += "\\\""
            case "\\": self.text += "\\\\"
            case "\n": self.text += "\\n"
            case "<": self.text += "\\u003c"
            case _ where scalar.value < 0x20 || scalar.value == 0x7F:
                let digits = String(scalar.value, radix: 16)
                self.text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: self.text.unicodeScalars.append(scalar)
            }
        }
        self.text += "\""
        self.needsComma = true
    }

    private mutating func separate() {
        if self.needsComma { self.text += "," }
    }
}
