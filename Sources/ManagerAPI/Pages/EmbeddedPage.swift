internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// A page that is part of the program: one file, no foreign sources.
///
/// Its script and style run because they carry the nonce of the answer; anything that got into the page otherwise has
/// none and does not run.
struct EmbeddedPage: Sendable {
    private let pieces: [Substring]

    /// Where the page's source has this, the nonce goes.
    static let placeholder = "{{nonce}}"

    init(_ bytes: [UInt8]) {
        var pieces: [Substring] = []
        var rest = String(decoding: bytes, as: UTF8.self)[...]
        while let place = rest.firstRange(of: Self.placeholder) {
            pieces.append(rest[..<place.lowerBound])
            rest = rest[place.upperBound...]
        }
        self.pieces = pieces + [rest]
    }

    func response() -> Response {
        let nonce = String(UInt64.random(in: 0...(.max)), radix: 36) + String(UInt64.random(in: 0...(.max)), radix: 36)
        let policy = [
            "default-src 'none'", "script-src 'nonce-\(nonce)'", "style-src 'nonce-\(nonce)'", "connect-src 'self'",
            "img-src 'self' data:", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
        ]
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/html; charset=utf-8", .cacheControl: "no-store",
                .contentSecurityPolicy: policy.joined(separator: "; "), .xContentTypeOptions: "nosniff",
                .referrerPolicy: "no-referrer",
            ],
            body: .init(byteBuffer: ByteBuffer(string: self.pieces.joined(separator: nonce)))
        )
    }
}
