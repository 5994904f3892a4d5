import Gateway
import Registry
import Testing

@Suite struct `The scan of a body` {
    static func scan(_ bytes: [UInt8]) -> BodyScan.Result {
        var scan = BodyScan()
        return bytes.withUnsafeBytes { scan.scan($0, isComplete: true) }
    }

    /// As if the body came a few bytes at a time.
    static func scan(_ bytes: [UInt8], step: Int) -> BodyScan.Result {
        var scan = BodyScan()
        return bytes.withUnsafeBytes { whole in
            var count = min(step, bytes.count)
            while true {
                let part = UnsafeRawBufferPointer(rebasing: whole[..<count])
                let result = scan.scan(part, isComplete: count == bytes.count)
                if result != .incomplete { return result }
                count = min(count + step, bytes.count)
            }
        }
    }

    @Test func `finds the members that route`() {
        let text =
            #"{"model_version" : "v\u0031", "data": {"model_type": 1}, "aggregate":{"a":[1]} , "model_type":"LSTM"}"#
        let bytes = Array(text.utf8)
        guard case .ok(let found) = Self.scan(bytes) else {
            Issue.record("\(Self.scan(bytes))")
            return
        }
        bytes.withUnsafeBytes { body in
            #expect(found.modelType.text(of: body) == "LSTM" && !found.modelType.hasEscapes)
            #expect(found.modelVersion.text(of: body) == "v1" && found.modelVersion.hasEscapes)
            #expect(String(decoding: found.aggregate.range.bytes(of: body), as: UTF8.self) == #"{"a":[1]}"#)
            #expect(found.aggregate.kind == .object)
        }
    }

    @Test(arguments: [
        ("5", BodyScan.Member.Kind.number), ("-0.5e-3 ", .number), ("true", .bool), ("null", .null), ("[1, 2]", .array),
        ("{}", .object), (#""""#, .string),
    ])
    func `says of which kind a member is`(value: String, kind: BodyScan.Member.Kind) {
        let bytes = Array(#"{"x":[[]],"model_type": \#(value),"y":0}"#.utf8)
        guard case .ok(let found) = Self.scan(bytes) else {
            Issue.record("\(Self.scan(bytes))")
            return
        }
        #expect(found.modelType.kind == kind)
        let text = bytes.withUnsafeBytes { String(decoding: found.modelType.range.bytes(of: $0), as: UTF8.self) }
        #expect(text == (kind == .string ? "" : value.trimming(" ")))
    }

    @Test func `finds names written with escapes`() {
        let bytes = Array(#"{"model\u005ftype":"A","\u006dodel_version":"B","aggregat\u0065":1,"\u0061":2}"#.utf8)
        guard case .ok(let found) = Self.scan(bytes) else {
            Issue.record("\(Self.scan(bytes))")
            return
        }
        #expect(
            found.modelType.kind == .string && found.modelVersion.kind == .string && found.aggregate.kind == .number
        )
    }

    @Test(arguments: [
        (#"{"model_type":"A","x":1,"model_type":"B"}"#, BodyScan.Invalid.repeatedModelType, 24),
        (#"{"model_type":null,"model\u005ftype":"B"}"#, .repeatedModelType, 19),
        (#"{"model_version":"A","model_version":"A"}"#, .repeatedModelVersion, 21),
        (#"{"aggregate":{},"aggregate":{}}"#, .repeatedAggregate, 16),
        ("", .unexpectedEnd, 0),
        ("  ", .unexpectedEnd, 2),
        ("[1]", .notAnObject, 0),
        (#" "model_type""#, .notAnObject, 1),
        ("\u{FEFF}{}", .byteOrderMark, 0),
        ("{} x", .afterEnd, 3),
        ("{}{}", .afterEnd, 2),
        (#"{"a":1,}"#, .trailingComma, 7),
        (#"{"a":[1, ]}"#, .trailingComma, 9),
        (#"{"a":[,1]}"#, .unexpectedByte, 6),
        (#"{"a" 1}"#, .unexpectedByte, 5),
        (#"{"a":}"#, .unexpectedByte, 5),
        (#"{a:1}"#, .unexpectedByte, 1),
        (#"{'a':1}"#, .unexpectedByte, 1),
        (#"{"a":[1}"#, .unexpectedByte, 7),
        (#"{"a":1]"#, .unexpectedByte, 6),
        (#"{"a":NaN}"#, .unexpectedByte, 5),
        (#"{"a":nulL}"#, .unexpectedByte, 5),
        (#"{"a":+1}"#, .unexpectedByte, 5),
        (#"{"a":.5}"#, .unexpectedByte, 5),
        (#"{"a":01}"#, .number, 6),
        (#"{"a":-}"#, .number, 6),
        (#"{"a":1.}"#, .number, 7),
        (#"{"a":1e}"#, .number, 7),
        (#"{"a":1e+}"#, .number, 8),
        (#"{"a":1.5.5}"#, .unexpectedByte, 8),
        (#"{"a":"\x"}"#, .escape, 6),
        (#"{"a":"\u12G4"}"#, .escape, 6),
        ("{\"a\":\"\u{1}\"}", .controlCharacter, 6),
        ("{\"a\":\"b\nc\"}", .controlCharacter, 7),
        (#"{"a":"b"#, .unexpectedEnd, 7),
        (#"{"a":tru"#, .unexpectedEnd, 8),
        (#"{"a":1"#, .unexpectedEnd, 6),
    ])
    func `says what is wrong and where`(text: String, reason: BodyScan.Invalid, offset: Int) {
        let bytes = Array(text.utf8)
        #expect(Self.scan(bytes) == .invalid(reason, offset: offset))
        #expect(Self.scan(bytes, step: 1) == .invalid(reason, offset: offset))
        #expect(!reason.sentence.isEmpty)
    }

    @Test(
        arguments: [
            [0xFF], [0xC0, 0x80], [0xC1, 0xBF], [0xE0, 0x80, 0x80], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0x80],
            [0xF0, 0x80, 0x80, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xC3], [0xE2, 0x82],
            [0xC3, 0x28], [0xF0, 0x9F, 0x98],
        ] as [[UInt8]]
    )
    func `refuses what is not UTF-8`(garbage: [UInt8]) {
        let bytes = Array(#"{"a":"xy"#.utf8) + garbage + Array(#""}"#.utf8)
        #expect(Self.scan(bytes) == .invalid(.encoding, offset: 8))
        #expect(Self.scan(bytes, step: 1) == .invalid(.encoding, offset: 8))
    }

    @Test func `allows 64 levels and no more`() {
        let fits = "{\"a\":" + String(repeating: "[", count: 63) + String(repeating: "]", count: 63) + "}"
        let deeper = "{\"a\":" + String(repeating: "[", count: 64) + String(repeating: "]", count: 64) + "}"
        guard case .ok = Self.scan(Array(fits.utf8)) else {
            Issue.record("64 levels must pass")
            return
        }
        #expect(Self.scan(Array(deeper.utf8)) == .invalid(.tooDeep, offset: 68))
    }

    @Test func `is never done with a cut body`() {
        let bytes = Array(#"{"model_type":"é\n\u00e9","data":[1.5e3,-2,0,true,{"x":null}]} "#.utf8)
        for count in 0..<bytes.count - 2 {
            #expect(Self.scan(Array(bytes[..<count])) == .invalid(.unexpectedEnd, offset: count))
        }
    }
}

extension String {
    fileprivate func trimming(_ character: Character) -> String {
        String(self.reversed().drop { $0 == character }.reversed())
    }
}
