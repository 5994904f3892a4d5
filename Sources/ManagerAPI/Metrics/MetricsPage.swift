/// A page of metrics in the Prometheus text format or in OpenMetrics, which differ in names and ends.
struct MetricsPage {
    enum Format: Hashable, Sendable {
        case prometheus, openMetrics

        var contentType: String {
            switch self {
            case .prometheus: "text/plain; version=0.0.4; charset=utf-8"
            case .openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8"
            }
        }
    }

    enum Kind: String { case counter, gauge, histogram }

    typealias Labels = [(name: String, value: String)]

    private let format: Format
    private(set) var text = ""

    init(_ format: Format) { self.format = format }

    /// Writes a family; the name comes without `_total`, which is added to a counter where the format wants it.
    mutating func family(_ name: String, _ kind: Kind, _ help: String, _ samples: [(Labels, Double)]) {
        guard !samples.isEmpty else { return }
        self.head(name, kind, help)
        let suffix = kind == .counter ? "_total" : ""
        for (labels, value) in samples { self.sample(name + suffix, labels, value) }
    }

    /// Writes a histogram from the count of each bucket alone, one more than there are bounds. Bounds and sum are
    /// seconds.
    mutating func histogram(
        _ name: String,
        _ help: String,
        _ entries: [(labels: Labels, bounds: [Double], counts: [Int64], sum: Double)]
    ) {
        guard !entries.isEmpty else { return }
        self.head(name, .histogram, help)
        for entry in entries {
            var below: Int64 = 0
            for (place, count) in entry.counts.enumerated() {
                below += count
                let bound = place < entry.bounds.count ? Self.number(entry.bounds[place]) : "+Inf"
                self.sample(name + "_bucket", entry.labels + [("le", bound)], Double(below))
            }
            self.sample(name + "_sum", entry.labels, entry.sum)
            self.sample(name + "_count", entry.labels, Double(below))
        }
    }

    mutating func end() {
        if self.format == .openMetrics { self.text += "# EOF\n" }
    }

    private mutating func head(_ name: String, _ kind: Kind, _ help: String) {
        let shown = kind == .counter && self.format == .prometheus ? name + "_total" : name
        self.text += "# HELP \(shown) \(Self.escapedHelp(help, self.format))\n# TYPE \(shown) \(kind.rawValue)\n"
    }

    private mutating func sample(_ name: String, _ labels: Labels, _ value: Double) {
        self.text += name
        if !labels.isEmpty {
            let list = labels.map { "\($0.name)=\"\(Self.escaped($0.value))\"" }
            self.text += "{" + list.joined(separator: ",") + "}"
        }
        self.text += " \(Self.number(value))\n"
    }

    private static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return value == value.rounded() && abs(value) < 1e15 ? String(Int64(value)) : value.description
    }

    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for character in text {
            switch character {
            case "\\": escaped += "\\\\"
            case "\"": escaped += "\\\""
            case "\n", "\r\n": escaped += "\\n"
            default: escaped.append(character)
            }
        }
        return escaped
    }

    private static func escapedHelp(_ text: String, _ format: Format) -> String {
        format == .openMetrics
            ? self.escaped(text) : self.escaped(text).split(separator: "\\\"").joined(separator: "\"")
    }
}
