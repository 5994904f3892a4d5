/// What a sentinel is asked, and how its replies are read.
///
/// The address comes from `GET-MASTER-ADDR-BY-NAME`, which already names the promoted server while a failover is being
/// finished; the epoch of the configuration, which `MASTER` tells, says which of two sentinels is behind.
struct SentinelQuestion: Sendable, Equatable {
    let primary: String
    private let authentication: [RedisWord]?

    init(_ configuration: RedisConfiguration, primary: String) {
        self.primary = primary
        let user = configuration.sentinelUser.map { [RedisWord($0)] } ?? []
        self.authentication = configuration.sentinelPassword.map { ["AUTH"] + user + [RedisWord($0)] }
    }

    var commands: [[RedisWord]] {
        let name = RedisWord(self.primary)
        let questions: [[RedisWord]] = [
            ["SENTINEL", "GET-MASTER-ADDR-BY-NAME", name], ["SENTINEL", "MASTER", name],
            ["SENTINEL", "SENTINELS", name],
        ]
        return (self.authentication.map { [$0] } ?? []) + questions
    }

    /// Reads the replies to `commands`.
    func answer(_ replies: [RedisValue]) throws(RedisError) -> SentinelAnswer {
        var replies = replies[...]
        if self.authentication != nil, case .error(let text)? = replies.popFirst() {
            throw self.explained(RedisError(.noAuth, RedisError(reply: text).message))
        }
        guard replies.count == 3 else { throw RedisError(.protocolViolation, "a sentinel left questions unanswered") }
        let (address, master, others) = (replies.removeFirst(), replies.removeFirst(), replies.removeFirst())
        return SentinelAnswer(
            primary: try self.address(address),
            configEpoch: Self.fields(master)["config-epoch"].flatMap { Int64($0) },
            others: (others.array ?? []).compactMap { Self.host(Self.fields($0)) }
        )
    }

    /// What failed, with what to do about it when that is the password.
    func explained(_ error: RedisError) -> RedisError {
        guard error.code == .noAuth else { return error }
        let hint =
            self.authentication == nil
            ? "the sentinel wants its password, ?sentinel_password=" : "the sentinel refuses its password"
        return RedisError(.noAuth, "\(hint): \(error.message)")
    }

    private func address(_ reply: RedisValue) throws(RedisError) -> RedisAddress.SentinelHost {
        switch reply {
        case .error(let text):
            throw self.explained(RedisError(reply: text))
        case .null:
            throw RedisError(.invalidConfiguration, "the sentinel knows no primary '\(self.primary)'")
        default:
            let words = (reply.array ?? []).compactMap(\.string)
            guard words.count == 2, let host = Self.host(words[0], words[1]) else {
                throw RedisError(.protocolViolation, "the sentinel named an address that is none")
            }
            return host
        }
    }

    /// Payload of `+switch-master`: name, old address, new address. Nil when it is about another primary.
    func newPrimary(in message: String) -> RedisAddress.SentinelHost? {
        let words = message.split(separator: " ").map(String.init)
        guard words.count == 5, words[0] == self.primary else { return nil }
        return Self.host(words[3], words[4])
    }

    private static func host(_ fields: [String: String]) -> RedisAddress.SentinelHost? {
        guard let host = fields["ip"], let port = fields["port"] else { return nil }
        return self.host(host, port)
    }

    private static func host(_ host: String, _ port: String) -> RedisAddress.SentinelHost? {
        guard !host.isEmpty, let port = Int(port), (1...65535).contains(port) else { return nil }
        return RedisAddress.SentinelHost(host: host, port: port)
    }

    private static func fields(_ value: RedisValue) -> [String: String] {
        let words = (value.array ?? []).map { $0.string ?? "" }
        let pairs = stride(from: 0, to: words.count - words.count % 2, by: 2).map { (words[$0], words[$0 + 1]) }
        return Dictionary(pairs) { $1 }
    }
}
