internal import Registry

/// Where a catalogue is: a URL that, unlike a service's, may have a query.
public struct CatalogueURL: Hashable, Sendable, CustomStringConvertible {
    public let description: String
    let url: ServiceURL
    /// With the query.
    let path: String

    /// Throws a sentence that completes "the catalogue …".
    public init(_ text: String) throws(CatalogueURLError) {
        let mark = text.firstIndex(of: "?") ?? text.endIndex
        let query = text[mark...]
        guard query.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else {
            throw CatalogueURLError(description: "\(text) has a query with blanks or other characters outside of URLs")
        }
        do {
            self.url = try ServiceURL(String(text[..<mark]))
        } catch {
            throw CatalogueURLError(description: "\(text) \(error)")
        }
        // A document's address, unlike a service's, may end with a slash.
        let isFolder = self.url.pathPrefix.isEmpty || text[..<mark].hasSuffix("/")
        self.path = self.url.pathPrefix + (isFolder ? "/" : "") + query
        self.description = text
    }
}

/// Why a text is no catalogue's URL.
public struct CatalogueURLError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
}
