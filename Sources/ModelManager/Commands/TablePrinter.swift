import Registry

/// Rows of texts under upper-case headings, padded, never wrapped.
enum TablePrinter {
    static func render(_ headings: [String], _ rows: [[String]]) -> String {
        let all = [headings] + rows
        let widths = headings.indices.map { column in all.map { $0[column].count }.max() ?? 0 }
        return all.map { row in
            let cells = zip(row, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }
            return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }
}

extension JSONValue {
    /// A member shown in a table: `-` when it is missing or null.
    func shown(_ name: String) -> String {
        guard case .object(let object) = self, let value = object[name] else { return "-" }
        switch value {
        case .null: return "-"
        case .string(let text): return text
        case .array(let values):
            return values.map { if case .string(let text) = $0 { text } else { $0.serialized() } }.joined(
                separator: ","
            )
        default: return value.serialized()
        }
    }

    /// A member in seconds, as much of it as a person reads.
    func shownSeconds(_ name: String) -> String {
        let text = self.shown(name)
        return Double(text).map { "\(($0 * 10).rounded() / 10) s" } ?? text
    }

    /// A service's limit; `-` when there is none.
    var shownLimit: String {
        let text = self.shown("max_concurrent_requests")
        return text == "0" ? "-" : text
    }

    func list(_ name: String) -> [JSONValue] {
        if case .object(let object) = self, case .array(let values)? = object[name] { values } else { [] }
    }
}
