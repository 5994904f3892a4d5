internal import HTTPTypes

/// The header `Prefer` (RFC 7240), as far as it is honoured: `wait=N`.
struct Preference {
    /// Longer than any ingress leaves a request without an answer is of no use to anybody.
    static let waitMax = 60

    /// Seconds; nil when the caller does not want to wait.
    let wait: Int?

    init(_ headers: HTTPFields) {
        let words = headers[values: .prefer].joined(separator: ",").split(whereSeparator: { $0 == "," || $0 == ";" })
        let waits = words.compactMap { word -> Int? in
            let pair = word.split(separator: "=").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            guard pair.count == 2, pair[0] == "wait", let seconds = Int(pair[1]), seconds >= 0 else { return nil }
            return seconds
        }
        self.wait = waits.first.map { min($0, Self.waitMax) }
    }

    /// For `Preference-Applied`.
    var applied: HTTPFields { self.wait.map { [.preferenceApplied: "wait=\($0)"] } ?? [:] }
}
