/// Where the data of a training run comes from: a service of kind `data`, and what to ask it.
public struct DataSource: Hashable, Sendable {
    public var service: ServiceID
    public var query: DataQuery
}

/// A question in the words of one of the protocols that data services speak.
public enum DataQuery: Hashable, Sendable {
    /// InfluxQL. `params` are bound to `$name` by the server.
    case influxdb1(db: String, q: String, params: JSONObject)
    case influxdb2(org: String, flux: String)
    /// `GET`; the path begins with a slash.
    case http(path: String, params: [Parameter])

    public struct Parameter: Hashable, Sendable {
        public var name: String
        public var value: String
    }

    public var wireProtocol: ServiceDefinition.WireProtocol {
        switch self {
        case .influxdb1: .influxdb1
        case .influxdb2: .influxdb2
        case .http: .http
        }
    }

    /// A longer query goes into no address.
    public static let bytesMax = 16 * 1024
}

extension DataSource {
    /// Why this service cannot be asked so; nil when it can.
    public func fault(for service: Service) -> String? {
        let definition = service.definition
        guard definition.kind == .data else {
            return "the service \(service.id) is of kind \(definition.kind.rawValue), not data"
        }
        guard definition.wireProtocol == self.query.wireProtocol else {
            let spoken = definition.wireProtocol.rawValue
            return
                "the service \(service.id) speaks \(spoken), and the query is for \(self.query.wireProtocol.rawValue)"
        }
        return nil
    }

    static func read(_ value: JSONValue, at loc: [String]) throws(FormProblems) -> DataSource {
        var fields = try FormFields(value, at: loc)
        let service = fields.name("service", ServiceID.self)
        if service == nil, fields.member("service") == nil { fields.missing("service") }
        let asked = fields.member("query")
        if asked == nil { fields.missing("query") }
        try fields.finish()
        guard let service, let asked else { throw FormProblems(fields.problems) }
        return DataSource(service: service, query: try DataQuery.read(asked, at: loc + ["query"]))
    }
}

extension DataQuery {
    /// The members tell the protocol: `q`, `flux` or `path`.
    static func read(_ value: JSONValue, at loc: [String]) throws(FormProblems) -> DataQuery {
        var fields = try FormFields(value, at: loc)
        let query: DataQuery?
        if fields.member("q") != nil || fields.member("db") != nil {
            query = self.influxdb1(&fields)
        } else if fields.member("flux") != nil || fields.member("org") != nil {
            query = self.influxdb2(&fields)
        } else {
            query = self.http(&fields)
        }
        try fields.finish()
        guard let query else { throw FormProblems(fields.problems) }
        return query
    }

    private static func influxdb1(_ fields: inout FormFields) -> DataQuery? {
        let (db, q) = (fields.required("db"), fields.required("q"))
        var params = JSONObject()
        if let given = fields.member("params") {
            if let object = given.asObject { params = object } else { fields.notAnObject("params", given) }
        }
        guard let db, let q else { return nil }
        guard Self.onlyReads(q) else {
            fields.fault("q", .value, "must be one SELECT without INTO, or one SHOW; without \";\" inside")
            return nil
        }
        return .influxdb1(db: db, q: q, params: params)
    }

    /// InfluxDB 1.x carries out any statement it is asked by GET, `DROP DATABASE` too. So nothing that could end a
    /// statement or write is let through, not even in quotes, where a second reading might not see them: values with
    /// such words go into `params`.
    private static func onlyReads(_ q: String) -> Bool {
        let words = q.lowercased().split { !($0.isLetter || $0.isNumber || $0 == "_") }
        let trimmed = q.drop { $0 == " " || $0.isNewline || $0 == "\t" }.lowercased()
        let begins = ["select", "show"].contains { trimmed.hasPrefix($0) && words.first.map(String.init) == $0 }
        let end = q.lastIndex { !($0 == " " || $0.isNewline || $0 == ";") } ?? q.startIndex
        return begins && !words.contains("into") && !q[...end].contains(";")
    }

    private static func influxdb2(_ fields: inout FormFields) -> DataQuery? {
        guard let org = fields.required("org"), let flux = fields.required("flux") else { return nil }
        return .influxdb2(org: org, flux: flux)
    }

    private static func http(_ fields: inout FormFields) -> DataQuery? {
        let path = fields.required("path")
        let params = self.parameters(&fields)
        guard let path else { return nil }
        let isPlain = path.utf8.allSatisfy {
            $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#")
        }
        let refused = ["//", "\\", "%2e", "%2E", "%2f", "%2F", "%5c", "%5C", "%00"]
        let isSimple =
            !refused.contains { path.contains($0) } && !["/../", "/./"].contains { (path + "/").contains($0) }
        guard path.hasPrefix("/"), isPlain, isSimple
        else {
            fields.fault("path", .pattern, "must begin with \"/\", in its simplest form, without a query")
            return nil
        }
        return .http(path: path, params: params)
    }

    private static func parameters(_ fields: inout FormFields) -> [Parameter] {
        guard let given = fields.member("params") else { return [] }
        guard let object = given.asObject else {
            fields.notAnObject("params", given)
            return []
        }
        var parameters: [Parameter] = []
        for member in object.members {
            switch member.value {
            case .string(let text): parameters.append(Parameter(name: member.name, value: text))
            case .integer, .number, .bool:
                parameters.append(Parameter(name: member.name, value: member.value.serialized()))
            case .null, .array, .object:
                fields.fault("params", element: member.name, .stringType, "must be a text or a number")
            }
        }
        return parameters
    }
}

extension FormFields {
    /// A text that is there and not too long.
    fileprivate mutating func required(_ name: String) -> String? {
        guard self.member(name) != nil else {
            self.missing(name)
            return nil
        }
        guard let text = self.string(name) else { return nil }
        if !text.isEmpty, text.utf8.count <= DataQuery.bytesMax { return text }
        self.fault(name, .tooLong, "must have 1 to \(DataQuery.bytesMax) bytes")
        return nil
    }

    mutating func notAnObject(_ name: String, _ value: JSONValue) {
        self.fault(name, .dictType, "must be an object, not \(value.kindName)")
    }
}
