/// Reads Redis' error replies, by their first word or, where Redis gives none of its own, by their text.
///
/// The texts are those of Redis 7.0; a server that words them differently gets the code `reply`, which is always safe:
/// the connection stays and the caller sees the text.
extension RedisError {
    /// Of an error reply, which in a pipeline is a value.
    public init(reply text: String) {
        self.init(Self.code(ofReply: text), String(text.prefix(Self.messageCharactersMax)))
    }

    private static let messageCharactersMax = 300

    private static func code(ofReply text: String) -> Code {
        let word = text.prefix { $0 != " " }
        if let code = Self.codes[String(word)] { return code }
        return Self.codesByText.first { text.contains($0.text) }?.code ?? .reply
    }

    private static let codes: [String: Code] = [
        "LOADING": .loading, "BUSY": .busy, "READONLY": .readOnly, "MASTERDOWN": .masterDown,
        "UNBLOCKED": .unblocked, "CLUSTERDOWN": .clusterDown, "MOVED": .moved, "ASK": .moved,
        "MISCONF": .misconfigured, "OOM": .outOfMemory, "NOREPLICAS": .notEnoughReplicas,
        "NOAUTH": .noAuth, "WRONGPASS": .noAuth, "NOPERM": .noPermission, "WRONGTYPE": .wrongType,
    ]

    private static let codesByText: [(text: String, code: Code)] = [
        ("Function not found", .functionMissing),
        ("max number of clients reached", .tooManyClients),
        ("The user executing the script can't run", .noPermission),
        ("AUTH <password> called without any password configured", .noAuth),
        ("invalid password", .noAuth),
        ("value is not an integer or out of range", .wrongType),
    ]
}
