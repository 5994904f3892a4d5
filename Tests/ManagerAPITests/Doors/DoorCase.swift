import ManagerTesting

/// One generated request in the two forms that lead to the two doors: its body with a length, and chunked.
struct DoorCase {
    var headers: [(name: String, value: String)] = []
    var body: [UInt8]
    private var cuts: [Int] = []

    init(_ random: inout SeededRandom) {
        self.body = Self.bodies.randomElement(using: &random).map { Array($0.utf8) } ?? []
        if Int.random(in: 0..<12, using: &random) == 0 { self.body.append(0xFF) }
        if Int.random(in: 0..<12, using: &random) == 0, !self.body.isEmpty { self.body.removeLast() }
        self.headers = [("host", "manager:8008")]
        for option in Self.options where Int.random(in: 0..<4, using: &random) == 0 {
            if let header = option.randomElement(using: &random) { self.headers.append(header) }
        }
        let answer = Int.random(in: 0..<Self.answers.count, using: &random)
        self.headers.append(("x-answer", String(answer)))
        self.headers.shuffle(using: &random)
        for _ in 0..<Int.random(in: 0...2, using: &random) {
            self.cuts.append(Int.random(in: 0...self.body.count, using: &random))
        }
    }

    /// The fast door's.
    var withLength: [UInt8] { self.head("content-length: \(self.body.count)") + self.body }

    /// The general door's: the same, in chunks.
    var chunked: [UInt8] {
        let bounds = [0] + self.cuts.sorted() + [self.body.count]
        var bytes = self.head("transfer-encoding: chunked")
        for (start, end) in zip(bounds, bounds.dropFirst()) where start < end {
            bytes += Array("\(String(end - start, radix: 16))\r\n".utf8) + self.body[start..<end] + Array("\r\n".utf8)
        }
        return bytes + Array("0\r\n\r\n".utf8)
    }

    private func head(_ framing: String) -> [UInt8] {
        let lines = self.headers.map { "\($0.name): \($0.value)\r\n" }.joined()
        return Array("POST /predict HTTP/1.1\r\n\(lines)\(framing)\r\n\r\n".utf8)
    }

    // MARK: What there is to choose from

    private static let bodies = [
        #"{"model_type":"LSTM","data":[1]}"#, #"{"model_type":"LSTM","data":[1],"model_version":"latest"}"#,
        #" {"data" : [1, 2.5e3, -0] , "model_type" : "LSTM"} "#, #"{"model_type":"LSTM","x":{"a":[null,true,"é"]}}"#,
        #"{"model_type":"\u004cSTM"}"#, #"{"model_type":"LSTM","model_version":null}"#, "{}", "[]", "", "null",
        #"{"model_type":"GRU"}"#, #"{"model_type":"LSTM","model_version":"v9"}"#, #"{"model_type":7}"#,
        #"{"model_type":""}"#, #"{"model_type":"a b"}"#, #"{"model_type":"LSTM","model_type":"LSTM"}"#,
        #"{"model_type":"LSTM","data":01}"#, #"{"model_type":"LSTM",}"#, #"{"model_type":"LSTM"}{}"#,
        String(repeating: "[", count: 600) + String(repeating: "]", count: 600),
        #"{"model_type":"LSTM","data":""# + String(repeating: "x", count: 20_000) + #""}"#,
    ]

    /// At most one of each line.
    private static let options: [[(name: String, value: String)]] = [
        [
            ("content-type", "application/json"), ("Content-Type", "application/json; charset=utf-8"),
            ("content-type", "text/plain"), ("content-type", "application/problem+json"),
        ],
        [("x-request-id", "req-1"), ("X-Request-ID", "a b"), ("x-request-id", String(repeating: "r", count: 128))],
        [
            ("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), ("traceparent", "00-nonsense"),
        ],
        [("tracestate", "vendor=1")],
        [("x-mm-timeout-ms", "20000"), ("x-mm-timeout-ms", "0"), ("x-mm-timeout-ms", "soon")],
        [("x-mm-max-retries", "0"), ("x-mm-max-retries", "11"), ("x-mm-max-retries", "-1")],
        [("x-mm-hash-key", "me"), ("x-mm-hash-key", "")],
        [("x-mm-epoch", "0"), ("x-mm-epoch", "1")],
        [("authorization", "Bearer secret"), ("Authorization", "Basic eA==")],
        [("cookie", "session=secret"), ("x-api-key", "secret")],
        [("accept", "*/*"), ("Accept", "text/html"), ("accept-encoding", "gzip, br")],
        [("via", "1.1 before"), ("via", "1.0 one, 1.1 two")],
        [("user-agent", "tester/1.0 (a; b)"), ("x-forwarded-for", "10.0.0.1")],
        [("X-Own", "one"), ("x-own", "  padded\t"), ("x-own", ""), ("x-own", "a,b;c=\"d\"")],
        [("x-own-too", "two"), ("X-MM-Instance", "forged"), ("x-mm-replica", "forged")],
        [("keep-alive", "timeout=5"), ("te", "gzip"), ("proxy-connection", "keep-alive")],
    ]

    /// What the instance answers, by the number in `x-answer`.
    static let answers = [
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}",
        "HTTP/1.1 201 Made\r\nX-Model: tiny\r\nx-model: two\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 404 Not Found\r\ncontent-type: text/html\r\ncontent-length: 5\r\n\r\n<b>no",
        "HTTP/1.1 422 What\r\ncontent-length: 1\r\nset-cookie: a=b\r\n\r\n?",
        "HTTP/1.1 500 Oh\r\ncontent-length: 2\r\n\r\nno",
        "HTTP/1.1 503 Busy\r\nretry-after: 7\r\ncontent-length: 4\r\n\r\nbusy",
        "HTTP/1.1 302 Found\r\nlocation: http://elsewhere/\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-t\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nx-t: 1\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nkeep-alive: timeout=5\r\ncontent-length: 3\r\n\r\none",
        "HTTP/1.1 200 OK\r\nconnection: x-hop\r\nx-hop: 1\r\nx-mm-service: forged\r\nx-request-id: forged\r\n"
            + "content-length: 3\r\n\r\ntwo",
        "HTTP/1.1 204 No Content\r\nx-model: none\r\n\r\n",
    ]
}
