/// Why a token is not accepted. One word each, for metrics and logs; no fault repeats anything that the token says.
public enum TokenFault: String, Error, Hashable, Sendable, CaseIterable {
    // MARK: Before its signature is checked

    case tooLong = "too_long"
    /// Not three parts of base64url, the first of them a JSON object with an `alg`.
    case malformed
    /// `none`, a shared secret, or anything that is not on the list.
    case refusedAlgorithm = "refused_algorithm"
    /// It demands that an extension be understood.
    case criticalHeader = "critical_header"
    case unknownKey = "unknown_key"
    /// It names no key, and more keys fit than are tried.
    case unnamedKey = "unnamed_key"
    /// The key that it names is not for its algorithm.
    case unfittingKey = "unfitting_key"

    // MARK: The signature

    case wrongSignature = "wrong_signature"

    // MARK: What it claims

    /// Signed, but no JSON object.
    case malformedClaims = "malformed_claims"
    /// A claim is there in a form that it cannot have, such as a time that is a text.
    case claimOfWrongForm = "claim_of_wrong_form"
    case noExpiry = "no_expiry"
    case expired
    case notYetValid = "not_yet_valid"
    case wrongIssuer = "wrong_issuer"
    case wrongAudience = "wrong_audience"
    case noSubject = "no_subject"
    /// Too long, or of characters that could deceive in a log.
    case unusableSubject = "unusable_subject"
    /// None of the roles is known here.
    case noRole = "no_role"

    /// Completes the sentence "the token …".
    public var sentence: String {
        switch self {
        case .tooLong: "is longer than a token may be"
        case .malformed: "is not a signed JSON web token"
        case .refusedAlgorithm: "is signed by an algorithm that is not accepted"
        case .criticalHeader: "demands an extension that is not supported"
        case .unknownKey: "is signed by a key that is not known"
        case .unnamedKey: "does not name its key (kid), and several could be meant"
        case .unfittingKey: "names a key that is not for its algorithm"
        case .wrongSignature: "has a wrong signature"
        case .malformedClaims: "holds no JSON object"
        case .claimOfWrongForm: "holds a claim of a wrong form"
        case .noExpiry: "has no expiry (exp)"
        case .expired: "has expired"
        case .notYetValid: "is not valid yet"
        case .wrongIssuer: "is of another issuer"
        case .wrongAudience: "is for somebody else"
        case .noSubject: "names nobody (sub)"
        case .unusableSubject: "names somebody (sub) in a way that cannot be shown"
        case .noRole: "gives no role that is known here (roles)"
        }
    }
}
