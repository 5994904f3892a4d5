import Foundation
import Hummingbird
import NIOCore

/// What a route knows besides the request: above all the connection, which the fault switches tear.
struct DemoContext: RequestContext {
    static let bodyBytesMax = 16 * 1024 * 1024

    var coreContext: CoreRequestContextStorage
    let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        self.coreContext = .init(source: source)
        self.channel = source.channel
    }

    var maxUploadSize: Int { Self.bodyBytesMax }

    var responseEncoder: JSONEncoder {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return encoder
    }
}
