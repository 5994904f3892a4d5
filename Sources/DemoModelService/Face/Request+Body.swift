import Foundation
import Hummingbird

extension Request {
    /// Reads the body as JSON of the given form; 413 when it is too long, 422 when it has another form.
    func decodeBody<Body: Decodable>(as form: Body.Type, whenEmpty standard: Body? = nil) async throws -> Body {
        let bytes = try await self.body.collect(upTo: DemoContext.bodyBytesMax)
        if bytes.readableBytes == 0, let standard { return standard }
        do {
            return try JSONDecoder().decode(form, from: Data(bytes.readableBytesView))
        } catch let error as DecodingError {
            throw Problem(error)
        }
    }
}
