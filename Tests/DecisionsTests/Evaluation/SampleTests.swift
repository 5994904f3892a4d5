import Decisions
import Registry
import Testing

/// Rows of a data service as samples.
@Suite struct `Samples from rows` {
    private static let series = DataTable(columns: ["time", "v"], rows: [[0, 1], [1, 2], [2, 3], [3, 4]])

    @Test func `of a series are windows and what follows`() throws {
        let samples = try Self.series.samples(.window(2))
        #expect(
            samples == [
                EvaluationSample(data: [1, 2], expected: 3), EvaluationSample(data: [2, 3], expected: 4),
            ]
        )
    }

    @Test func `of a table are the other columns`() throws {
        let table = DataTable(columns: ["a", "time", "y", "b"], rows: [[1, 0, 9, 2]])
        #expect(try table.samples(.column("y")) == [EvaluationSample(data: [1, 2], expected: 9)])
    }

    @Test func `are the last ones when there are too many`() throws {
        let rows = (0..<5000).map { [JSONValue.integer(Int64($0))] }
        let samples = try DataTable(columns: ["v"], rows: rows).samples(.window(3))
        #expect(samples.count == 1000)
        #expect(samples.last == EvaluationSample(data: [4996, 4997, 4998], expected: 4999))
    }

    @Test(arguments: [
        (SampleShape.window(4), "too few rows"), (.column("w"), "no column w"), (.column("v"), "no column beside v"),
    ]) func `are refused where there are none`(shape: SampleShape, why: String) {
        let fault = #expect(throws: DataFault.self) { try Self.series.samples(shape) }
        #expect(fault?.description.contains(why) == true)
    }
}
