import Testing

@testable import Registry

/// Under which addresses a service may be registered, and how they are kept.
@Suite struct ServiceURLTests {
    @Test(arguments: [
        ("http://h", "http://h"), ("http://h/", "http://h"), ("http://h:80", "http://h"),
        ("https://h:443/", "https://h"),
        ("HTTP://H:8000", "http://h:8000"), ("http://h:1/api/v1", "http://h:1/api/v1"),
        ("http://h:1/api/v1/", "http://h:1/api/v1"), ("http://[::1]:9", "http://[::1]:9"),
        ("http://[::1]", "http://[::1]"),
    ])
    func `is kept in one form, without the slash at its end`(text: String, kept: String) throws {
        #expect(try ServiceURL(text).description == kept)
    }

    @Test(arguments: [
        ("http://h/a//b", "simplest form"), ("http://h//", "simplest form"), ("http://h/a/..", "simplest form"),
        ("http://h/a/../", "simplest form"), ("http://h/a%2Fb", "simplest form"), ("http://h:1?x=1", "query"),
        ("http://h#x", "query"), ("http://h/a?x=1", "query"), ("http://u:p@h", "user"), ("http://h:0", "port"),
        ("http://h:", "port"), ("http://", "host"), ("h:1", "begin with"), ("http://h ", "blank"),
    ])
    func `is refused with the reason`(text: String, reason: String) {
        let error = #expect(throws: ServiceURLError.self) { try ServiceURL(text) }
        #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
    }
}
