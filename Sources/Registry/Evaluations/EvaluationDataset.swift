/// Samples of an offline test: what a version is asked, and what it should say.
public enum EvaluationDataset: Hashable, Sendable {
    case inline([EvaluationSample])
    /// Rows of a data service, made into samples.
    case service(DataSource, SampleShape)

    /// Live predictions that were recorded, the newest ones; of one version when it is named.
    case recording(limit: Int, version: ModelVersion?)

    /// More samples are refused; of more rows the last ones are taken.
    public static let samplesMax = 1000
}

public struct EvaluationSample: Hashable, Sendable {
    public var data: JSONValue
    public var expected: JSONValue
    /// What else the version is asked with.
    public var others: JSONObject

    public init(data: JSONValue, expected: JSONValue, others: JSONObject = [:]) {
        self.data = data
        self.expected = expected
        self.others = others
    }
}

/// How rows become samples.
public enum SampleShape: Hashable, Sendable {
    /// A series: so many values in a row are the data, the one after them is expected.
    case window(Int)
    /// This column is expected; the others, but for times, are the data.
    case column(String)

    public static let windowMax = 10_000
}

extension EvaluationDataset {
    /// Checks every member and gives back the dataset, or every fault at once.
    static func read(_ value: JSONValue, at loc: [String]) throws(FormProblems) -> EvaluationDataset {
        var fields = try FormFields(value, at: loc)
        if let samples = fields.member("inline") {
            let read = Self.samples(samples, &fields)
            try fields.finish()
            return .inline(read)
        }
        if let recording = fields.member("recording") {
            try fields.finish()
            return try Self.recording(recording, at: loc + ["recording"])
        }
        return try Self.service(value, &fields, at: loc)
    }

    /// `true`, or `{"limit", "version"}`.
    private static func recording(
        _ value: JSONValue,
        at loc: [String]
    ) throws(FormProblems) -> EvaluationDataset {
        var fields = try FormFields(value == true ? [:] : value, at: loc)
        let limit = fields.integer("limit", in: 1...Self.samplesMax) ?? Self.samplesMax
        let version = fields.version("version", isRequired: false)
        try fields.finish()
        return .recording(limit: limit, version: version)
    }

    private static func samples(_ value: JSONValue, _ fields: inout FormFields) -> [EvaluationSample] {
        guard let list = value.asArray, (1...Self.samplesMax).contains(list.count) else {
            fields.fault("inline", .listType, "must be a list of 1 to \(Self.samplesMax) samples")
            return []
        }
        var samples: [EvaluationSample] = []
        for (place, element) in list.enumerated() {
            guard let data = element["data"], let expected = element["expected"], expected != .null else {
                let wanted = "must be an object with data and expected"
                fields.fault("inline", element: String(place), .dictType, wanted)
                return []
            }
            samples.append(EvaluationSample(data: data, expected: expected))
        }
        return samples
    }

    private static func service(
        _ value: JSONValue,
        _ fields: inout FormFields,
        at loc: [String]
    ) throws(FormProblems) -> EvaluationDataset {
        let window = fields.integer("window", in: 1...SampleShape.windowMax)
        let column = fields.string("expected")
        if (fields.member("window") == nil) == (fields.member("expected") == nil) {
            fields.fault("window", .value, "either window or expected must say how rows become samples")
        }
        let source: [(String, JSONValue)] = ["service", "query"].compactMap { name in
            fields.member(name).map { (name, $0) }
        }
        try fields.finish()
        let read = try DataSource.read(.object(JSONObject(source)), at: loc)
        if let column { return .service(read, .column(column)) }
        return .service(read, .window(window ?? 1))
    }
}
