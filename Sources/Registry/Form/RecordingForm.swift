/// What `PUT /models/{model_type}/recording` asks for.
public struct RecordingForm: Hashable, Sendable {
    public var recording: Recording

    /// Smaller shares would be none.
    public static let shareMin = 0.000_001

    public static func read(_ value: JSONValue, at loc: [String] = ["body"]) throws(FormProblems) -> RecordingForm {
        var fields = try FormFields(value, at: loc)
        let share = fields.number("share", in: Self.shareMin...1)
        if fields.member("share") == nil { fields.missing("share") }
        let limit = fields.integer("limit", in: 1...Recording.limitMax) ?? Recording.limitMax
        try fields.finish()
        return RecordingForm(recording: Recording(perMillion: Int(((share ?? 1) * 1e6).rounded()), limit: limit))
    }
}
