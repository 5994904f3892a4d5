import Registry
import Testing

@testable import Decisions

@Suite struct ShadowComparisonTests {
    private func answer(_ body: String, status: Int = 200, latency: Int64 = 0) -> ShadowAnswer {
        ShadowAnswer(status: status, latencyMicroseconds: latency, body: Array(body.utf8))
    }

    private func figures(_ caller: String, _ copy: String) -> ShadowFigures {
        ShadowComparison.figures(caller: self.answer(caller), copy: self.answer(copy), field: "prediction")
    }

    @Test func `finds the same answer the same`() {
        let figures = self.figures(#"{"prediction": 0.5}"#, #"{"prediction": 0.5, "more": true}"#)
        #expect(figures.requests == 1 && figures.compared == 1 && figures.equal == 1)
        #expect(figures.difference == 0 && figures.magnitude == 0.5)
        #expect(figures.failures == 0 && figures.statusDiffers == 0)
    }

    @Test func `takes the mean of the differences, however deep the numbers lie`() {
        let figures = self.figures(#"{"prediction": [[1, -2], [3]]}"#, #"{"prediction": [1, [-4, 4]]}"#)
        #expect(figures.compared == 1 && figures.equal == 0)
        #expect(figures.difference == 1 && figures.magnitude == 2)
    }

    @Test func `overlooks the last digit`() {
        #expect(self.figures(#"{"prediction": 1e12}"#, #"{"prediction": 1000000000000.1}"#).equal == 1)
        #expect(self.figures(#"{"prediction": 0.1}"#, #"{"prediction": 0.1001}"#).equal == 0)
    }

    @Test(arguments: [
        #"{"prediction": [1, 2]}"#, #"{"prediction": []}"#, #"{"prediction": "1"}"#, #"{"prediction": [1, null]}"#,
        #"{"forecast": 1}"#, "[1]", "1", "", "{",
    ])
    func `does not compare what has no counterpart`(copy: String) {
        let figures = self.figures(#"{"prediction": 1}"#, copy)
        #expect(figures.requests == 1 && figures.compared == 0 && figures.difference == 0)
    }

    @Test func `counts what failed or was answered otherwise`() {
        let caller = self.answer(#"{"prediction": 1}"#, latency: 40)
        let failed = ShadowComparison.figures(
            caller: caller,
            copy: self.answer(#"{"prediction": 1}"#, status: 503, latency: 7),
            field: "prediction"
        )
        #expect(failed.failures == 1 && failed.statusDiffers == 1 && failed.compared == 0)
        #expect(failed.latencyMicroseconds == 7 && failed.callerLatencyMicroseconds == 40)
        let none = ShadowComparison.figures(caller: caller, copy: ShadowAnswer(), field: "prediction")
        #expect(none.failures == 1 && none.statusDiffers == 1)
    }

    @Test func `figures add up and come apart again`() {
        let one = self.figures(#"{"prediction": 2}"#, #"{"prediction": 3}"#)
        let other = self.figures(#"{"prediction": 4}"#, #"{"prediction": 4}"#)
        let sum = one + other
        #expect(sum.requests == 2 && sum.compared == 2 && sum.equal == 1 && sum.difference == 1 && sum.magnitude == 6)
        #expect(sum - other == one)
    }
}
