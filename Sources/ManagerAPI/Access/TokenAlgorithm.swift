/// The signatures that are accepted: each by a key whose public half alone is here. `none` and the shared secrets of
/// `HS256` are not among them, so no header can ask for them.
enum TokenAlgorithm: String, Hashable, Sendable, CaseIterable {
    case rs256 = "RS256"
    case rs384 = "RS384"
    case rs512 = "RS512"
    case ps256 = "PS256"
    case ps384 = "PS384"
    case ps512 = "PS512"
    case es256 = "ES256"
    case es384 = "ES384"
    case es512 = "ES512"
    case eddsa = "EdDSA"

    static let ofRSA: Set<Self> = [.rs256, .rs384, .rs512, .ps256, .ps384, .ps512]
}
