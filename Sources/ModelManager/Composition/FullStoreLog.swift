import ClusterState
import Logging

/// Says in the log that Redis is full, and that it is so no longer: once each.
struct FullStoreLog {
    let logger: Logger

    static let advice = "raise maxmemory or free memory; `model-manager redis doctor` says more"

    func say(_ news: FullStore.News) {
        switch news {
        case .full(let function, let reason):
            self.logger.error(
                "redis is full and refuses what needs memory; \(Self.advice)",
                metadata: ["mm.function": "\(function)", "mm.error": "\(reason)"]
            )
        case .hasRoom: self.logger.info("redis has room again")
        }
    }
}
