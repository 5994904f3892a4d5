/// A version that gets copies of a model type's predictions; its answers are compared with the callers' and dropped.
public struct Shadow: Hashable, Sendable {
    public var version: ModelVersion
    /// How many of a hundred predictions are copied, 1 to 100.
    public var percent: Int
    /// The member of both answers whose numbers are compared.
    public var field: String

    public static let fieldDefault = "prediction"

    public init(version: ModelVersion, percent: Int = 100, field: String = Shadow.fieldDefault) {
        self.version = version
        self.percent = percent
        self.field = field
    }
}
