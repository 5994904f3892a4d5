internal import Registry

/// What one event loop counted. Plain numbers: only their loop touches them.
struct LoopCounts {
    var requests: Int64 = 0
    var failures: Int64 = 0
    var retries: Int64 = 0
    var retriesRefusedByBudget: Int64 = 0
    var fastRequests: Int64 = 0
    var generalRequests: Int64 = 0
    var panics: Int64 = 0
    /// By status class, 1xx at index 0.
    var answers: [Int64] = [0, 0, 0, 0, 0]
    var problems: [Problem.Code: Int64] = [:]
    var overhead = LatencyCounts()
    var queueEntered: Int64 = 0
    var queueRefused: Int64 = 0
    var queueTimedOut: Int64 = 0
    var queueWait = LatencyCounts()

    @inline(__always)
    mutating func answered(status: Int) {
        self.answers[min(max(status / 100, 1), 5) - 1] += 1
    }
}
