import ControlLoops
import Foundation
import Registry
import Testing

@Suite struct `The file of keys` {
    static let digest = String(repeating: "0f", count: 32)
    static let secret = "mmk_ci_" + String(repeating: "Ab3", count: 14) + "x"

    @Test func `is read with all that it says`() throws {
        let keys = try AccessKeysFile.parse(
            """
            {"keys": [
              {"id": "ci", "sha256": "\(Self.digest)", "roles": ["predict"], "services": ["lstm-*"],
               "expires": "2027-01-31T12:00:00Z"}
            ]}
            """
        )
        let key = try #require(keys.first)
        #expect(keys.count == 1)
        #expect(key.digest == CredentialDigest(hex: Self.digest))
        #expect(key.principal.id == "ci")
        #expect(key.principal.role == .predict)
        #expect(key.principal.scope == AccessScope([Glob("lstm-*")]))
        #expect(key.principal.expires == Timestamp(rfc3339: "2027-01-31T12:00:00Z"))
    }

    @Test(arguments: [
        ("", 1, 1, "empty"), (" \n ", 1, 1, "empty"), ("{\"keys\": [\n  }", 2, 3, "stands where a value"),
        ("[]", 1, 1, "must be an object"), ("{}", 1, 1, "keys: is required"),
        (
            "{\n \"keys\": [{\"id\": \"a\",\n  \"sha256\": \"00\", \"roles\": [\"predict\"]}]}", 3, 3,
            "keys.0.sha256: must be"
        ),
        ("{\n \"keys\": [{\"id\": \"a\",\n  \"sha256\": 7}]}", 3, 3, "(and 1 more)"),
        ("keys: []", 1, 1, "\"k\" stands where a value"),
    ])
    func `is refused with the place of the fault`(text: String, line: Int, column: Int, words: String) {
        #expect {
            _ = try AccessKeysFile.parse(text)
        } throws: { error in
            guard let problem = error as? ServicesFileProblem else { return false }
            return problem.line == line && problem.column == column && problem.sentence.contains(words)
        }
    }

    /// Where people put a key by mistake.
    @Test(arguments: [
        #"{"keys": [{"SECRET": "predict"}]}"#, #"{"SECRET": {}}"#, #"{"SECRET"}"#, #"{"keys": [{"id": "SECRET"}]}"#,
        #"{"keys": [{"id": "a", "sha256": "SECRET", "roles": ["SECRET"]}]}"#, "SECRET", #"{"keys": ["SECRET"]}"#,
        #"{"keys": [], "SECRET": 1, "SECRET": 2}"#,
    ])
    func `never shows a key`(text: String) {
        #expect {
            _ = try AccessKeysFile.parse(text.replacing("SECRET", with: Self.secret))
        } throws: { error in
            !"\(error)".contains(Self.secret.suffix(30)) && error is ServicesFileProblem
        }
    }

    @Test func `shows the words of people as they are`() {
        #expect(
            SecretText.hidden(in: "keys.0.id: \"nightly-job_2\" is there twice")
                == "keys.0.id: \"nightly-job_2\" is there twice"
        )
        #expect(SecretText.hidden(in: Self.secret) == "mmk_…")
    }

    @Test func `must be there, as a file`() {
        #expect(throws: ServicesFileProblem.self) { try AccessKeysFile.read(atPath: "/nowhere/keys.json") }
        #expect(throws: ServicesFileProblem.self) { try AccessKeysFile.read(atPath: "/dev/null") }
        #expect(throws: ServicesFileProblem.self) { try TokenKeysFile.text(atPath: "/nowhere/keys.json") }
    }
}
