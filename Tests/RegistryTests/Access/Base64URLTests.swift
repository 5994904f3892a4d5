import Registry
import Testing

@Suite struct `Base64url` {
    /// RFC 4648, section 10, without its padding; and the two letters that base64 has others for.
    @Test(arguments: [
        ("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("foob", "Zm9vYg"), ("fooba", "Zm9vYmE"),
        ("foobar", "Zm9vYmFy"), ("~~?~>", "fn4_fj4"), (">>>", "Pj4-"),
    ])
    func `is written and read`(bytes: String, text: String) {
        #expect(Base64URL.text(of: Array(bytes.utf8)) == text)
        #expect(Base64URL.bytes(of: ArraySlice(text.utf8)) == Array(bytes.utf8))
    }

    @Test func `reads back what it wrote, of each length`() {
        let bytes = (0..<300).map { UInt8(truncatingIfNeeded: $0 &* 167) }
        for count in 0...300 {
            let text = Base64URL.text(of: Array(bytes.prefix(count)))
            #expect(Base64URL.bytes(of: ArraySlice(text.utf8)) == Array(bytes.prefix(count)))
        }
    }

    @Test(arguments: ["Z", "Zg=", "Zg==", "Zh", "Zm9", "Zm9vYg\n", " Zg", "Zm+v", "Zm/v", "Zm9vZ", "Zm9vYmFyä"])
    func `is one text for the same bytes`(text: String) {
        #expect(Base64URL.bytes(of: ArraySlice(text.utf8)) == nil)
    }
}
