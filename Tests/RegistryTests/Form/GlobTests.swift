import Registry
import Testing

@Suite struct `Globs` {
    @Test(arguments: [
        ("", "", true), ("", "a", false), ("*", "", true), ("*", "abc", true), ("a*", "a", true), ("a*", "ba", false),
        ("*a", "ba", true), ("*a", "ab", false), ("a*c", "abc", true), ("a*c", "abcb", false),
        ("a*b*c", "a1b2b3c", true),
        ("a**c", "ac", true), ("abc", "abc", true), ("abc", "ABC", false), ("a.c", "abc", false),
        ("*.x.*", "a.x.b", true),
    ]) func `match as a shell would`(pattern: String, text: String, matches: Bool) {
        #expect(Glob(pattern).matches(text) == matches)
    }

    /// Every pattern and text of up to five letters out of two, against the definition.
    @Test func `agree with the definition for all small patterns`() {
        func words(_ letters: [Character]) -> [String] {
            (0..<5).reduce([""]) { all, _ in all + all.flatMap { word in letters.map { word + String($0) } } }
        }
        func matches(_ pattern: Substring, _ text: Substring) -> Bool {
            guard let first = pattern.first else { return text.isEmpty }
            if first == "*" {
                return text.indices.contains { matches(pattern.dropFirst(), text[$0...]) }
                    || matches(pattern.dropFirst(), "")
            }
            return text.first == first && matches(pattern.dropFirst(), text.dropFirst())
        }
        let texts = Set(words(["a", "b"]))
        for pattern in Set(words(["a", "*"])) {
            for text in texts { #expect(Glob(pattern).matches(text) == matches(pattern[...], text[...])) }
        }
    }

    @Test func `a hostile pattern takes no time that grows with its stars`() {
        let pattern = Glob(String(repeating: "*a", count: 60) + "b")
        #expect(!pattern.matches(String(repeating: "a", count: 120)))
    }
}
