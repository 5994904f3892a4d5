import Testing

@testable import Gateway

@Suite struct `Bytes of a head` {
    @Test(arguments: [
        ("/predict", true), ("/PREDICT", false), ("/predicT", false), ("/predic", false), ("/predict/", false),
    ])
    func `are a path only with the same case`(text: String, isSame: Bool) {
        let bytes = Array(text.utf8)
        let range = ByteRange(from: 0, to: bytes.count)
        #expect(bytes.withUnsafeBytes { HeaderBytes.isExactly($0, range, "/predict") } == isSame)
    }

    @Test(arguments: [
        ("close", true), ("CLOSE", true), ("cLoSe", true), ("clos", false), ("close ", false), ("clos\u{5}", false),
    ])
    func `are a word in any case`(text: String, isSame: Bool) {
        let bytes = Array(text.utf8)
        let range = ByteRange(from: 0, to: bytes.count)
        #expect(bytes.withUnsafeBytes { HeaderBytes.equals($0, range, "close") } == isSame)
    }

    @Test(arguments: [
        ("0", 0), ("007", 7), ("999999999999999999", 999_999_999_999_999_999), ("1000000000000000000", -1), ("", -1),
        ("-1", -1), ("1x", -1),
    ])
    func `are a number of at most 18 digits`(text: String, number: Int) {
        let bytes = Array(text.utf8)
        #expect(bytes.withUnsafeBytes { HeaderBytes.decimal($0, ByteRange(from: 0, to: bytes.count)) } == number)
    }
}
