import Hummingbird

/// One training run as callers see it at `GET /train/{job}`.
struct TrainingJob: Sendable, Equatable, ResponseEncodable {
    enum Status: String, Sendable, Encodable {
        /// Waits for the runs before it. Can move to `running`, `cancelled`.
        case queued
        /// Is being trained. Can move to `succeeded`, `failed`, `cancelled`.
        case running
        case succeeded
        case failed
        /// A caller cancelled it, or the service left before the run ended.
        case cancelled
    }

    let jobId: String
    let modelType: String
    let modelVersion: String
    var status: Status = .queued
    var epoch = 0
    let epochs: Int
    /// The loss after the epoch named by `epoch`.
    var loss: Double?
    var lossBefore: Double?
    var lossAfter: Double?
    var error: String?

    var ended: Bool { self.status != .queued && self.status != .running }
}
