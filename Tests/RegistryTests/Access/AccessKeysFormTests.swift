import Registry
import Testing

/// The file of keys: what is read, and that every fault is named with its place.
@Suite struct `The form of keys` {
    private static let digest = String(repeating: "0a", count: 32)

    private func read(_ text: String) throws -> [AccessKey] { try AccessKeysForm.read(try JSONValue.parse(text)) }

    private func faults(_ text: String) throws -> String {
        let value = try JSONValue.parse(text)
        do throws(FormProblems) {
            _ = try AccessKeysForm.read(value)
            return ""
        } catch {
            return error.description
        }
    }

    private static func key(_ members: String, id: String = "ops", digest: String = digest) -> String {
        #"{"keys":[{"id":"\#(id)","sha256":"\#(digest)"\#(members)}]}"#
    }

    @Test func `reads a key with everything`() throws {
        let members = #","roles":["predict","operator"],"services":["lstm_*","gru"],"expires":"2027-01-31T12:00:00Z""#
        let principal = try #require(try self.read(Self.key(members)).first).principal
        #expect(principal.id == "ops")
        #expect(principal.role == .operator)
        #expect(principal.scope?.services.map(\.description) == ["lstm_*", "gru"])
        #expect(principal.expires?.description == "2027-01-31T12:00:00.000Z")
    }

    @Test func `no services are all services, and nothing ends by itself`() throws {
        let principal = try #require(try self.read(Self.key(#","roles":["admin"]"#)).first).principal
        #expect(principal.scope == nil)
        #expect(principal.expires == nil)
        #expect(!principal.isExpired(at: Timestamp(milliseconds: .max)))
    }

    @Test func `an empty list lets nobody in and is no fault`() throws {
        #expect(try self.read(#"{"keys":[]}"#).isEmpty)
    }

    @Test(arguments: [
        ("{}", "keys: is required"),
        (#"{"keys":{}}"#, "keys: must be a list, not an object"),
        (#"{"keys":[],"more":1}"#, #"more: unknown field "more""#),
        (#"{"keys":[1]}"#, "keys.0: must be an object"),
        (Self.key(""), "keys.0.roles: is required"),
        (Self.key(#","roles":[]"#), "keys.0.roles: must be one or more of"),
        (Self.key(#","roles":["root"]"#), "keys.0.roles: must be one or more of"),
        (Self.key(#","roles":"admin""#), "keys.0.roles: must be a list, not a string"),
        (Self.key(#","roles":["admin"],"services":[]"#), "keys.0.services: must name services"),
        (Self.key(#","roles":["admin"],"services":[1]"#), "keys.0.services: must be a list of strings"),
        (Self.key(#","roles":["admin"],"expires":"soon""#), "keys.0.expires: must be a time"),
        (Self.key(#","roles":["admin"],"key":"secret""#), "keys.0.key: unknown field"),
        (Self.key(#","roles":["admin"]"#, id: "a b"), "keys.0.id: must match"),
        (Self.key(#","roles":["admin"]"#, digest: "0a"), "keys.0.sha256: must be the 64 hexadecimal digits"),
        (Self.key(#","roles":["admin"]"#, digest: String(repeating: "0g", count: 32)), "keys.0.sha256: must be"),
        (Self.key(#","roles":["admin"]"#, digest: String(repeating: "é", count: 32)), "keys.0.sha256: must be"),
    ]) func `names what is wrong and where`(text: String, fault: String) throws {
        #expect(try self.faults(text).hasPrefix(fault))
    }

    @Test func `names every fault of every key at once`() throws {
        let faults = try self.faults(#"{"keys":[{"id":"a"},{"roles":["admin"]}]}"#).split(separator: "; ")
        let missing = ["keys.0.sha256", "keys.0.roles", "keys.1.id", "keys.1.sha256"]
        #expect(Set(faults.map(String.init)) == Set(missing.map { "\($0): is required" }))
    }

    @Test func `an id or a digest that is there twice is refused`() throws {
        let one = #"{"id":"a","sha256":"\#(Self.digest)","roles":["admin"]}"#
        let other = #"{"id":"b","sha256":"\#(Self.digest.uppercased())","roles":["predict"]}"#
        #expect(try self.faults(#"{"keys":[\#(one),\#(one)]}"#).contains(#"keys.1.id: "a" is there twice"#))
        #expect(try self.faults(#"{"keys":[\#(one),\#(other)]}"#) == "keys.1.sha256: is there twice")
    }
}

@Suite struct `Roles and scopes` {
    @Test func `each role includes those before it`() {
        #expect(Role.allCases == [.predict, .operator, .admin])
        #expect(Role.allCases.sorted() == Role.allCases)
    }

    @Test func `a scope allows what one of its patterns names`() throws {
        let scope = AccessScope([Glob("lstm_*"), Glob("gru")])
        for (id, isAllowed) in [("lstm_1", true), ("lstm_", true), ("gru", true), ("gru2", false), ("lstm", false)] {
            #expect(scope.allows(try #require(ServiceID(id))) == isAllowed, "\(id)")
        }
    }

    @Test func `a principal ends at his time, not after it`() {
        let principal = Principal(id: "a", role: .predict, expires: Timestamp(milliseconds: 1000))
        #expect(!principal.isExpired(at: Timestamp(milliseconds: 999)))
        #expect(principal.isExpired(at: Timestamp(milliseconds: 1000)))
    }
}
