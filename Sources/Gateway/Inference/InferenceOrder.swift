public import Registry

/// Which model a caller of the Open Inference Protocol asks, and for what: there the path says it, not the body.
///
/// Also kept for a translated native request, whose body does not name the model any more.
public struct InferenceOrder: Hashable, Sendable {
    /// The last segment of the path. Only `infer` is of the protocol itself; the others are what real servers add.
    public enum Action: String, Hashable, Sendable, CaseIterable {
        case infer, generate
        case inferStream = "infer_stream"
        case generateStream = "generate_stream"

        /// Of the longest.
        static let bytesMax = 15
    }

    public var modelType: ModelType
    /// A version or an alias; nil: as `latest`.
    public var version: ModelVersion?
    public var action: Action

    public init(modelType: ModelType, version: ModelVersion? = nil, action: Action = .infer) {
        self.modelType = modelType
        self.version = version
        self.action = action
    }
}
