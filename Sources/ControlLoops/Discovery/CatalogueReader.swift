internal import Decisions
internal import Gateway
internal import NIOCore
internal import Registry

/// Fetches one catalogue, and keeps what it said so that an unchanged one need not be sent again.
struct CatalogueReader: Sendable {
    let catalogue: CatalogueURL
    let port: any DiscoveryPort

    /// What it said last, and the mark it put on that.
    private(set) var entries: [FileReconciliation.Entry]?
    private var tag: String?

    static let timeout: Duration = .seconds(10)
    static let bytesMax = ServicesFile.bytesMax

    init(_ catalogue: CatalogueURL, port: any DiscoveryPort) {
        self.catalogue = catalogue
        self.port = port
    }

    /// Why there is nothing to go by now; nil when `entries` is what the catalogue says. A broken document is refused as
    /// a whole, and what was said before is forgotten, so that the broken one is asked for again.
    mutating func read() async -> String? {
        var call = UpstreamCall(url: self.catalogue.url, path: self.catalogue.path, timeout: Self.timeout)
        call.answerBytesMax = Self.bytesMax
        call.headers = [("accept", "application/json, application/yaml;q=0.9, */*;q=0.1")]
        if let tag, self.entries != nil { call.headers.append(("if-none-match", tag)) }
        let answer: UpstreamAnswer
        do throws(UpstreamFailure) {
            answer = try await self.port.call(call)
        } catch {
            return error.detail
        }
        if answer.status == 304, self.entries != nil { return nil }
        guard answer.status == 200 else { return "answers \(answer.status)" }
        return self.take(answer)
    }

    private mutating func take(_ answer: UpstreamAnswer) -> String? {
        (self.entries, self.tag) = (nil, nil)
        guard let text = String(validating: answer.body.readableBytesView, as: UTF8.self) else { return "is not UTF-8" }
        do throws(ServicesFileProblem) {
            let document = try ServicesFile.parse(text)
            guard document.settings.isEmpty else { return "has settings, which only the services file may have" }
            self.entries = document.services.map { FileReconciliation.Entry($0) }
        } catch {
            return error.description
        }
        self.tag = answer.headers.first { $0.name.lowercased() == "etag" }.map(\.value)
        return nil
    }
}
