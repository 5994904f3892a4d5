import Decisions
import Registry
import Testing

@Suite struct `A latency estimate` {
    let start = Instant(nanoseconds: 1_000_000_000)

    @Test func `believes a slow answer at once and a fast one by and by`() {
        var estimate = LatencyEstimate(now: start)
        estimate.observe(.milliseconds(10), now: start)
        #expect(estimate.score(inFlight: 0, now: start) == 0.01)
        estimate.observe(.milliseconds(100), now: start)
        #expect(estimate.score(inFlight: 0, now: start) == 0.1)
        estimate.observe(.milliseconds(10), now: start)
        #expect(estimate.score(inFlight: 0, now: start) == 0.1)
        estimate.observe(.milliseconds(10), now: start + LatencyEstimate.window)
        #expect(abs(estimate.score(inFlight: 0, now: start + LatencyEstimate.window) - 0.055) < 1e-9)
    }

    @Test func `multiplies with what is in flight`() {
        var estimate = LatencyEstimate(now: start)
        estimate.observe(.milliseconds(10), now: start)
        #expect(abs(estimate.score(inFlight: 4, now: start) - 0.05) < 1e-12)
    }

    @Test func `sends a new instance one request at a time`() {
        var known = LatencyEstimate(now: start)
        known.observe(.seconds(5), now: start)
        let unheard = LatencyEstimate(now: start)
        #expect(unheard.score(inFlight: 0, now: start) < known.score(inFlight: 0, now: start))
        #expect(unheard.score(inFlight: 1, now: start) > known.score(inFlight: 100, now: start))
    }

    @Test func `does not prefer the instance that fails fast`() {
        var failing = LatencyEstimate(now: start)
        var working = LatencyEstimate(now: start)
        failing.observeFailure(after: .milliseconds(1), now: start)
        working.observe(.milliseconds(300), now: start)
        #expect(failing.score(inFlight: 0, now: start) > working.score(inFlight: 5, now: start))
    }

    @Test func `forgets an old peak, so that the slow one is tried again`() {
        var slow = LatencyEstimate(now: start)
        slow.observe(.seconds(1), now: start)
        let later = start + .seconds(1000)
        #expect(slow.score(inFlight: 0, now: later) < 0.01)
    }

    @Test func `survives a clock that seems to go back`() {
        var estimate = LatencyEstimate(now: start)
        estimate.observe(.milliseconds(10), now: start)
        estimate.observe(.milliseconds(5), now: start + .seconds(-1))
        #expect(estimate.score(inFlight: 0, now: start + .seconds(-1)) == 0.01)
    }
}
