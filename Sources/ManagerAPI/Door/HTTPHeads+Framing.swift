internal import NIOHTTP1

/// What the decoder lets pass and a server must not.
extension HTTPRequestHead {
    /// Whether it is clear whom the request is for and where it ends: in HTTP/1.1 exactly one `Host`, and no transfer
    /// coding but `chunked`, which HTTP/1.0 does not know.
    var isWellFramed: Bool {
        let codings = self.headers["transfer-encoding"]
        guard self.version == .http1_1 else { return self.headers["host"].count <= 1 && codings.isEmpty }
        return self.headers["host"].count == 1 && codings.allSatisfy { $0.lowercased() == "chunked" }
            && codings.count <= 1
    }
}

extension HTTPResponseHead {
    /// Makes it the last answer of its connection. A caller of HTTP/1.0 knows no chunks: what has no length ends with
    /// the connection.
    mutating func end(asOld isOld: Bool) {
        self.headers.replaceOrAdd(name: "connection", value: "close")
        guard isOld else { return }
        self.version = .http1_0
        self.headers.remove(name: "transfer-encoding")
    }
}
