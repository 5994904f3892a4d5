/// Which share of a model type's live predictions is kept, with what their callers were answered, to be asked of other
/// versions later. Nobody's requests are kept unless an operator orders it for the model type.
public struct Recording: Hashable, Sendable {
    /// Of a million predictions on an event loop exactly so many, counted out.
    public var perMillion: Int
    /// The newest so many are kept.
    public var limit: Int

    public static let limitMax = 1000
    /// Of a request and its answer together; longer ones are left out.
    public static let bytesMax = 16 * 1024
    /// Nothing that was recorded is older.
    public static let ageMax = Duration.seconds(7 * 24 * 3600)

    public init(perMillion: Int, limit: Int = Recording.limitMax) {
        self.perMillion = perMillion
        self.limit = limit
    }

    public var share: Double { Double(self.perMillion) / 1_000_000 }
}
