/// The form of `AUTH_KEYS_FILE`: `{"keys": [{"id", "sha256", "roles", "services"?, "expires"?}]}`.
public enum AccessKeysForm {
    /// Checks every key and gives all back, or every fault at once.
    public static func read(_ value: JSONValue) throws(FormProblems) -> [AccessKey] {
        var fields = try FormFields(value, at: [])
        var (keys, problems): ([AccessKey], [FormProblem]) = ([], [])
        if let elements = fields.array("keys") {
            for (index, element) in elements.enumerated() {
                do throws(FormProblems) {
                    keys.append(try self.key(element, at: ["keys", String(index)]))
                } catch {
                    problems += error.problems
                }
            }
            problems += self.repeats(keys)
        } else if fields.problems.isEmpty {
            fields.missing("keys")
        }
        try fields.finish()
        guard problems.isEmpty else { throw FormProblems(problems) }
        return keys
    }

    private static func key(_ value: JSONValue, at loc: [String]) throws(FormProblems) -> AccessKey {
        var fields = try FormFields(value, at: loc)
        let id = fields.required("id") { (fields: inout FormFields) in fields.name("id", KeyID.self) }
        let digest = fields.required("sha256") { (fields: inout FormFields) in fields.digest("sha256") }
        let role = fields.required("roles") { (fields: inout FormFields) in fields.roles("roles") }
        let scope = fields.scope("services")
        let expires = fields.timestamp("expires")
        try fields.finish()
        guard let id, let digest, let role else { throw FormProblems(fields.problems) }
        return AccessKey(
            digest: digest,
            principal: Principal(id: id.text, role: role, scope: scope, expires: expires)
        )
    }

    /// Two keys of one id could not be told apart in events; two of one digest would be one key with two meanings.
    private static func repeats(_ keys: [AccessKey]) -> [FormProblem] {
        var (ids, digests): (Set<String>, Set<CredentialDigest>) = ([], [])
        var problems: [FormProblem] = []
        for (index, key) in keys.enumerated() {
            let loc = ["keys", String(index)]
            if !ids.insert(key.principal.id).inserted {
                problems.append(
                    FormProblem(loc: loc + ["id"], msg: "\"\(key.principal.id)\" is there twice", type: .value)
                )
            }
            if !digests.insert(key.digest).inserted {
                problems.append(FormProblem(loc: loc + ["sha256"], msg: "is there twice", type: .value))
            }
        }
        return problems
    }
}

/// What a key is called.
private struct KeyID: Name {
    let text: String

    init?(_ text: String) {
        guard NameRule.allows(text) else { return nil }
        self.text = text
    }
}

extension FormFields {
    fileprivate mutating func array(_ name: String) -> [JSONValue]? {
        guard let value = self.member(name) else { return nil }
        if let array = value.asArray { return array }
        self.fault(name, .listType, "must be a list, not \(value.kindName)")
        return nil
    }

    /// Reports an absent member, and no second time one that is there and wrong.
    fileprivate mutating func required<Value>(_ name: String, _ read: (inout FormFields) -> Value?) -> Value? {
        let before = self.problems.count
        if let value = read(&self) { return value }
        if self.problems.count == before { self.missing(name) }
        return nil
    }

    fileprivate mutating func digest(_ name: String) -> CredentialDigest? {
        guard let text = self.string(name) else { return nil }
        if let digest = CredentialDigest(hex: text) { return digest }
        self.fault(name, .pattern, "must be the 64 hexadecimal digits of the key's SHA-256")
        return nil
    }

    fileprivate mutating func roles(_ name: String) -> Role? {
        guard let words = self.words(name) else { return nil }
        let allowed = Role.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        guard !words.isEmpty, words.allSatisfy({ Role(rawValue: $0) != nil }) else {
            self.fault(name, .literal, "must be one or more of \(allowed)")
            return nil
        }
        return words.compactMap(Role.init).max()
    }

    fileprivate mutating func scope(_ name: String) -> AccessScope? {
        guard let words = self.words(name) else { return nil }
        guard !words.isEmpty, words.allSatisfy({ !$0.isEmpty }) else {
            self.fault(name, .value, "must name services; leave it out to allow all of them")
            return nil
        }
        return AccessScope(words.map(Glob.init))
    }

    fileprivate mutating func timestamp(_ name: String) -> Timestamp? {
        guard let text = self.string(name) else { return nil }
        if let time = Timestamp(rfc3339: text) { return time }
        self.fault(name, .pattern, "must be a time like 2027-01-31T12:00:00Z")
        return nil
    }

    fileprivate mutating func words(_ name: String) -> [String]? {
        guard let elements = self.array(name) else { return nil }
        let words = elements.compactMap(\.asString)
        if words.count == elements.count { return words }
        self.fault(name, .stringType, "must be a list of strings")
        return nil
    }
}
