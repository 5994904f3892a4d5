public import Registry

/// What the manager shows to services that ask for a token, by the address at which they are asked.
///
/// They belong to addresses and not to services, because whoever may register services could otherwise have a token sent
/// to a place of his own.
public struct ServiceTokens: Hashable, Sendable {
    /// Why the text cannot be used; completes the sentence "it must be …".
    public struct Unusable: Error, Hashable, Sendable, CustomStringConvertible {
        public let description: String
    }

    /// By host and port.
    private var byAddress: [String: String] = [:]

    public init() {}

    /// Of `{"tokens": {"host:port": "token"}}`.
    public init(_ json: JSONValue) throws(Unusable) {
        guard let tokens = json["tokens"]?.asObject, json.asObject?.members.count == 1 else {
            throw Unusable(description: #"an object with the one member "tokens", itself an object"#)
        }
        for member in tokens.members {
            guard let url = try? ServiceURL("http://\(member.name)"), url.pathPrefix.isEmpty else {
                throw Unusable(description: "a map by host:port, which \"\(member.name)\" is not")
            }
            guard let token = member.value.asString, !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
            else {
                throw Unusable(description: "a map to visible ASCII without blanks, as which \(member.name) is not")
            }
            self.byAddress[Self.address(of: url)] = token
        }
    }

    func token(for url: ServiceURL) -> String? {
        self.byAddress.isEmpty ? nil : self.byAddress[Self.address(of: url)]
    }

    private static func address(of url: ServiceURL) -> String { "\(url.host):\(url.port)" }
}
