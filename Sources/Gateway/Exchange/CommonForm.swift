internal import NIOCore

/// Headers as names and values, turned into the bytes the fast path parses, and back.
enum CommonForm {
    private static let dropped: Set<String> = [
        "host", "connection", "content-length", "transfer-encoding", "expect", "upgrade", "content-encoding", "te",
        "trailer", "keep-alive", "proxy-connection", "http2-settings",
    ]
    /// May stand in a request only once for the fast path; of several the first counts.
    private static let single: Set<String> = [
        "content-type", "accept", "authorization", "x-api-key", "proxy-authorization", "x-request-id", "traceparent",
        "tracestate", "via", "x-mm-timeout-ms", "x-mm-max-retries", "x-mm-hash-key", "x-mm-epoch", "x-mm-hops",
    ]

    /// The head of a request in the common form. Headers of one connection, and those its `Connection` names, are left
    /// out; so are `x-mm-epoch`, which the general door has waited for already, and values with bytes beyond printable
    /// ASCII, which servers read in different ways.
    static func head(of request: GatewayRequest) -> [UInt8] {
        let named = request.headers.filter { $0.name.lowercased() == "connection" }
            .flatMap { $0.value.split(separator: ",") }
            .map { $0.split(separator: " ").joined().lowercased() }
        let left = self.dropped.union(named).union(["x-mm-epoch"])
        var seen: Set<String> = []
        var text = "POST /predict HTTP/1.1\r\nhost: manager\r\ncontent-length: \(request.body.readableBytes)\r\n"
        for header in request.headers {
            let name = header.name.lowercased()
            guard (header.name + header.value).utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) else { continue }
            guard !left.contains(name), !self.single.contains(name) || seen.insert(name).inserted else { continue }
            text += "\(header.name): \(header.value)\r\n"
        }
        text += "\r\n"
        return Array(text.utf8)
    }

    /// Header lines taken apart.
    static func headers(in lines: String) -> [(name: String, value: String)] {
        lines.split(separator: "\r\n").compactMap { line in
            guard let colon = line.firstIndex(of: ":") else { return nil }
            let value = line[line.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
            return (String(line[..<colon]), String(value))
        }
    }
}
