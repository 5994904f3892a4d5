public import Registry

/// The HTTP request that asks a data service a query.
///
/// Questions only: what InfluxDB 1.x could be told to change was refused when the query was read.
public struct DataQuestion: Hashable, Sendable {
    public var method: String
    /// With the service's path prefix.
    public var path: String
    public var headers: [String: String]
    public var body: String?

    public init(_ query: DataQuery, at url: ServiceURL) {
        switch query {
        case .influxdb1(let db, let q, let params): self = Self.influxdb1(url, db, q, params)
        case .influxdb2(let org, let flux): self = Self.influxdb2(url, org, flux)
        case .http(let path, let params):
            let pairs = params.map { ($0.name, $0.value) }
            self.init(
                "GET",
                url.pathPrefix + path + Self.query(pairs),
                ["accept": "application/json, text/csv;q=0.9"],
                nil
            )
        }
    }

    private init(_ method: String, _ path: String, _ headers: [String: String], _ body: String?) {
        self.method = method
        self.path = path
        self.headers = headers
        self.body = body
    }

    /// For a trainer that fetches the data by itself; nil when the query cannot be asked by an address alone.
    public func url(at url: ServiceURL) -> String? {
        self.method == "GET" ? "\(url.scheme.rawValue)://\(url.authority)\(self.path)" : nil
    }

    /// What the answer says; `status` 200.
    public static func read(
        _ bytes: [UInt8],
        contentType: String,
        of query: DataQuery
    ) throws(DataFault) -> DataTable {
        switch query {
        case .influxdb1: try InfluxDB1Answer.read(bytes)
        case .influxdb2: try InfluxDB2Answer.read(bytes)
        case .http: try PlainAnswer.read(bytes, contentType: contentType)
        }
    }

    /// Why an answer is not 200, if it says.
    public static func error(_ bytes: [UInt8], of query: DataQuery) -> String? {
        switch query {
        case .influxdb1: InfluxDB1Answer.error(bytes)
        case .influxdb2: InfluxDB2Answer.error(bytes)
        case .http: TrainerReply(status: 0, body: try? JSONValue.parse(bytes)).sentence
        }
    }

    /// Chunked, because a server with `max-row-limit` cuts any other answer.
    private static func influxdb1(_ url: ServiceURL, _ db: String, _ q: String, _ params: JSONObject) -> DataQuestion {
        var pairs = [("db", db), ("q", q), ("epoch", "ms"), ("chunked", "true"), ("chunk_size", "10000")]
        if !params.isEmpty { pairs.append(("params", JSONValue.object(params).serialized())) }
        return DataQuestion("GET", url.pathPrefix + "/query" + self.query(pairs), ["accept": "application/json"], nil)
    }

    private static func influxdb2(_ url: ServiceURL, _ org: String, _ flux: String) -> DataQuestion {
        let annotations: JSONValue = ["datatype", "group", "default"]
        let body: JSONValue = [
            "query": .string(flux), "type": "flux", "dialect": ["header": true, "annotations": annotations],
        ]
        return DataQuestion(
            "POST",
            url.pathPrefix + "/api/v2/query" + self.query([("org", org)]),
            ["accept": "application/csv", "content-type": "application/json"],
            body.serialized()
        )
    }

    private static func query(_ pairs: [(String, String)]) -> String {
        guard !pairs.isEmpty else { return "" }
        return "?" + pairs.map { "\(self.encoded($0.0))=\(self.encoded($0.1))" }.joined(separator: "&")
    }

    private static func encoded(_ text: String) -> String {
        var encoded = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                encoded += byte < 16 ? "%0" : "%"
                encoded += String(byte, radix: 16, uppercase: true)
            }
        }
        return encoded
    }
}
