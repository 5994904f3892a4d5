import Gateway
import ManagerTesting
import Registry
import Testing

/// Broken and whole bodies by the thousand, judged by two readers that share no code with the scan's fast parts.
@Suite struct `Random bodies` {
    static let bodies: [String] = [
        #"{"model_type": "LSTM", "data": [0.123, -0.5, 12, 3e-5, 0, -0, 1.5E+3, 100, 7], "model_version": "latest"}"#,
        #"{"a":[1,2,3,[],{},[[]],{"b":null}],"t":true,"f":false,"s":"x\n\u00e9\ud83d\ude00\/","k\u0041":1}"#,
        #"{"é":"漢字😀","data":["# + (1...60).map { "-\($0 % 7).\($0 * 37)" }.joined(separator: ", ") + "]}",
        #"{"data":["# + (1...90).map { "\(($0 * 7919) % 3001 - 1500)" }.joined(separator: ",") + #"], "z": 1}"#,
        "{\"data\":[\n" + (1...50).map { "\($0).25" }.joined(separator: ",\n   ") + "\n]}",
    ]

    static let pieces: [[UInt8]] =
        [
            "0", "00", "01", "1", "-", "--", ".", "..", "1.2.3", ",", ",,", " ", "\n", "\t", "\r", "[", "]", "{", "}",
            "\"", "\\",
            "e", "E+", "e5", "1e", "\u{0}", "\u{7F}", "é", "true", "nul", ":", "+1", "-0", "0.", ".5", "\\u12", "\\x",
            "NaN",
            "-.5", "1.e3", "/", ";",
        ].map { Array($0.utf8) } + [
            [0xFF], [0xC3], [0xED, 0xA0, 0x80], [0xC0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xEF, 0xBB, 0xBF],
        ]

    static func mutated(_ body: String, _ random: inout SeededRandom) -> [UInt8] {
        var bytes = Array(body.utf8)
        for _ in 0..<Int.random(in: 1...3, using: &random) {
            let place = Int.random(in: 0..<bytes.count, using: &random)
            let piece = pieces.randomElement(using: &random) ?? []
            switch Int.random(in: 0..<4, using: &random) {
            case 0: bytes.insert(contentsOf: piece, at: place)
            case 1: bytes.removeSubrange(place..<min(place + Int.random(in: 1...3, using: &random), bytes.count))
            case 2: bytes.replaceSubrange(place...place, with: piece)
            default: bytes[place] = UInt8.random(in: 0...255, using: &random)
            }
        }
        return bytes
    }

    @Test(arguments: SeededRandom.runs(2))
    func `get the same verdict whole, in pieces, and from the strict parser`(seed: SeededRandom) {
        var random = seed
        var accepted = 0
        for _ in 0..<3000 {
            let bytes = Self.mutated(Self.bodies.randomElement(using: &random) ?? "{}", &random)
            let whole = `The scan of a body`.scan(bytes)
            let text = String(decoding: bytes, as: UTF8.self)
            // A byte at a time no run of numbers is ever long enough for the fast path.
            for step in [1, Int.random(in: 2...70, using: &random)] {
                #expect(`The scan of a body`.scan(bytes, step: step) == whole, "\(seed) \(text)")
            }
            let isValid = if case .ok = whole { true } else { false }
            if isValid { accepted += 1 }
            #expect(Self.isObject(bytes, scanned: isValid) == isValid, "\(seed) \(text)")
        }
        // About a tenth stays valid; seeds differ.
        #expect(accepted > 150)
    }

    /// The verdict of the parser of forms, which refuses more on purpose: keys there twice, half surrogates, numbers
    /// that are too large.
    static func isObject(_ bytes: [UInt8], scanned: Bool) -> Bool {
        do {
            return try JSONValue.parse(bytes).asObject != nil
        } catch {
            let refusesMore = ["there twice", "surrogate", "too large"].contains { error.sentence.contains($0) }
            return refusesMore && scanned
        }
    }
}
