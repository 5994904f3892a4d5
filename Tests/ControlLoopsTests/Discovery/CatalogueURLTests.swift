import Testing

@testable import ControlLoops

/// What is asked for of a catalogue's host.
@Suite struct CatalogueURLTests {
    @Test(arguments: [
        ("http://h", "/"), ("http://h/", "/"), ("http://h?a=b", "/?a=b"), ("http://h/c.json", "/c.json"),
        ("http://h/list/", "/list/"), ("http://h/list/?a=b", "/list/?a=b"),
    ])
    func `keeps the path as it is written`(text: String, path: String) throws {
        #expect(try CatalogueURL(text).path == path)
    }
}
