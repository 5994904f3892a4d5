import Registry
import Testing

@Suite struct `A JSON value` {
    static let texts: [(String, JSONValue)] = [
        ("null", JSONValue.null), ("true", true), ("false", false), ("0", 0), ("-0", .number(-0.0)), ("-12", -12),
        ("9223372036854775807", .integer(.max)), ("9223372036854775808", .number(9223372036854775808)),
        ("1.0", .number(1)), ("1e2", .number(100)), ("-2.5E-1", .number(-0.25)), (#""""#, ""), ("[]", []), ("{}", [:]),
        (#" [1, [2], {"a": null}] "#, [1, [2], ["a": nil]]),
        (#""\"\\\/\b\f\n\r\té\u00e9\ud83d\ude00""#, "\"\\/\u{8}\u{C}\n\r\té\u{e9}😀"),
        ("\t\r\n{\"a\" : 1 ,\"b\":2}", ["b": 2, "a": 1]),
    ]

    @Test(arguments: texts)
    func `is read`(text: String, value: JSONValue) throws {
        #expect(try JSONValue.parse(text) == value)
        #expect(try JSONValue.parse(value.serialized()) == value)
        #expect(try JSONValue.parse(value.serialized(pretty: true)) == value)
    }

    @Test(arguments: [
        ("", 1, 1, "it ends where a value is expected"),
        ("{\n  \"a\": 1,\n  \"é\": x\n}", 3, 8, "\"x\" stands where a value is expected"),
        ("{\"a\":1,\n\"a\":2}", 2, 1, "the name \"a\" is there twice"),
        (#"{"a":1,"\u0061":2}"#, 1, 8, "the name \"a\" is there twice"),
        ("[1,]", 1, 4, "\"]\" stands where a value is expected"),
        ("{\"a\":1,}", 1, 8, "\"}\" stands where a name in double quotes is expected"),
        ("{\"a\" 1}", 1, 6, "\"1\" stands where a colon after the name \"a\" is expected"),
        ("[1 2]", 1, 4, "\"2\" stands where a comma or ] is expected"),
        ("{\"a\":1", 1, 7, "it ends where a comma or } is expected"),
        ("1 2", 1, 3, "something follows the value"),
        ("nul", 1, 1, "\"n\" stands where a value is expected"),
        ("01", 1, 1, "a number with a leading zero"),
        ("-", 1, 2, "it ends where a digit is expected"),
        ("1.", 1, 3, "it ends where a digit after the point is expected"),
        ("1e+x", 1, 4, "\"x\" stands where a digit of the exponent is expected"),
        ("1e999", 1, 1, "a number that is too large"),
        (#""abc"#, 1, 1, "a string without an end"),
        (#""a\x""#, 1, 3, "an unknown escape inside a string"),
        (#""a\u12g4""#, 1, 3, "an unknown escape inside a string"),
        (#""\ud800""#, 1, 2, "half of a surrogate pair"),
        (#""\ud800\u0041""#, 1, 2, "half of a surrogate pair"),
        (#""\udc00""#, 1, 2, "half of a surrogate pair"),
        ("\"a\nb\"", 1, 3, "a control character inside a string"),
        ("\u{FEFF}1", 1, 1, "it begins with a byte order mark"),
        ("[\u{1}]", 1, 2, "byte 1 stands where a value is expected"),
    ])
    func `is refused with its place`(text: String, line: Int, column: Int, sentence: String) {
        let problem = #expect(throws: JSONProblem.self) { try JSONValue.parse(text) }
        #expect(problem?.description == "line \(line), column \(column): \(sentence)")
    }

    @Test func `is refused when it is not UTF-8`() {
        for garbage in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xC3]] as [[UInt8]] {
            let problem = #expect(throws: JSONProblem.self) { try JSONValue.parse([0x22] + garbage + [0x22]) }
            #expect(problem?.sentence == "a string that is not UTF-8" && problem?.offset == 0)
        }
    }

    @Test func `has at most 64 levels`() throws {
        func nested(_ depth: Int) -> String {
            String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
        }
        _ = try JSONValue.parse(nested(64))
        let problem = #expect(throws: JSONProblem.self) { try JSONValue.parse(nested(65)) }
        #expect(problem?.offset == 64)
    }

    @Test func `is written exactly`() {
        let value: JSONValue = [
            "integer": .integer(.min), "double": 0.1, "tiny": .number(.leastNonzeroMagnitude), "whole": .number(3),
            "infinite": .number(.infinity),
            "text": "a\"b\\c\u{1}\n\u{7F}é/", "list": [true, nil, []], "object": ["x": 1],
        ]
        #expect(
            value.serialized()
                == #"{"integer":-9223372036854775808,"double":0.1,"tiny":5e-324,"whole":3.0,"infinite":null,"#
                + #""text":"a\"b\\c\u0001\n\#u{7F}é/","list":[true,null,[]],"object":{"x":1}}"#
        )
        let pretty: JSONValue = ["a": [1, [:]], "b": []]
        #expect(pretty.serialized(pretty: true) == "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}")
    }

    @Test func `that is an object keeps its order and finds its members, few or many`() {
        var object = JSONObject()
        for number in 0..<40 { object["k\(number)"] = .integer(Int64(number)) }
        object["k7"] = "changed"
        object["k3"] = nil
        #expect(object.count == 39 && object["k3"] == nil && object["k7"] == "changed" && object["k39"] == 39)
        #expect(object.names.prefix(4) == ["k0", "k1", "k2", "k4"])
        for number in 10..<40 { object["k\(number)"] = nil }
        #expect(object.count == 9 && object["k8"] == 8 && object["k10"] == nil)
    }
}
