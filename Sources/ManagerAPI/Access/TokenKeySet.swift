internal import Decisions
internal import Registry

/// The keys by which tokens may be signed.
///
/// A token says by a name (`kid`) which one it means; the name finds a key and proves nothing. Without a name those are
/// tried that fit its algorithm, if they are few: each costs a check that anybody can ask for.
struct TokenKeySet: Sendable {
    private let keys: [TokenKey]

    static let keysMax = 100
    static let triedKeysMax = 4

    /// Of the text of a JWK set.
    init(_ text: String) throws(TokenVerifier.Unusable) {
        let value: JSONValue
        do throws(JSONProblem) {
            value = try JSONValue.parse(text)
        } catch {
            throw TokenVerifier.Unusable(error.description)
        }
        guard let elements = value["keys"]?.asArray else {
            throw TokenVerifier.Unusable(#"must be a JWK set: an object with the list "keys""#)
        }
        guard elements.count <= Self.keysMax else {
            throw TokenVerifier.Unusable("has more than \(Self.keysMax) keys")
        }
        var keys: [TokenKey] = []
        for (index, element) in elements.enumerated() {
            let place = Self.place(of: element, index)
            do throws(TokenVerifier.Unusable) {
                guard let key = try TokenKeyForm.read(element) else { continue }
                try Self.check(key, isNotAmong: keys)
                keys.append(key)
            } catch {
                throw TokenVerifier.Unusable("\(place) \(error)")
            }
        }
        guard !keys.isEmpty else { throw TokenVerifier.Unusable("has no key for signatures") }
        self.keys = keys
    }

    /// Which keys may have signed a token of this header; at least one.
    func candidates(for algorithm: TokenAlgorithm, named name: String?) throws(TokenFault) -> [TokenKey] {
        let meant = name == nil ? self.keys : self.keys.filter { $0.name == name }
        guard !meant.isEmpty else { throw .unknownKey }
        let fitting = meant.filter { $0.algorithms.contains(algorithm) }
        guard !fitting.isEmpty else { throw name == nil ? .unknownKey : .unfittingKey }
        guard fitting.count <= Self.triedKeysMax else { throw .unnamedKey }
        return fitting
    }

    private static func check(_ key: TokenKey, isNotAmong keys: [TokenKey]) throws(TokenVerifier.Unusable) {
        guard let name = key.name else { return }
        if keys.contains(where: { $0.name == name && !$0.algorithms.isDisjoint(with: key.algorithms) }) {
            throw .init("is there twice")
        }
    }

    /// Such as `keys.0 (kid "2026-11")`; a name that cannot be shown is left out.
    private static func place(of element: JSONValue, _ index: Int) -> String {
        guard let name = element["kid"]?.asString, NameRule.allows(name) else { return "keys.\(index)" }
        return "keys.\(index) (kid \"\(name)\")"
    }
}
