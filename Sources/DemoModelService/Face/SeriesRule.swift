/// What a series of a caller must be.
enum SeriesRule {
    static let valuesMax = 100_000
    static let magnitudeMax = 1e100

    static func check(_ values: [Double], at path: [String], countMin: Int) throws(Problem) {
        let loc = (["body"] + path).map { Problem.Step.member($0) }
        guard values.count >= countMin else {
            throw Problem(.init(loc: loc, msg: "List should have at least \(countMin) items", type: "too_short"))
        }
        guard values.count <= Self.valuesMax else {
            throw Problem(.init(loc: loc, msg: "List should have at most \(Self.valuesMax) items", type: "too_long"))
        }
        guard let wild = values.firstIndex(where: { abs($0) > Self.magnitudeMax }) else { return }
        throw Problem(.init(loc: loc + [.index(wild)], msg: "Input should lie within ±1e100", type: "less_than_equal"))
    }
}
