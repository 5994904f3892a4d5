/// Refuses a body with members that nobody reads: a misspelt setting must not pass for one that was obeyed.
enum UnknownMembers {
    private struct AnyKey: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    static func refuse(in decoder: any Decoder, known: [String]) throws {
        let members = try decoder.container(keyedBy: AnyKey.self)
        guard let stranger = members.allKeys.first(where: { !known.contains($0.stringValue) }) else { return }
        throw DecodingError.dataCorruptedError(
            forKey: stranger,
            in: members,
            debugDescription: "Unknown member; known are \(known.joined(separator: ", "))"
        )
    }
}
