import Foundation
import HummingbirdTesting
import NIOCore
import Testing

/// What an answer says, for tests to look into.
extension TestResponse {
    var text: String { String(buffer: self.body) }

    /// The body's members.
    func members() throws -> [String: Any] {
        let value = try JSONSerialization.jsonObject(with: Data(self.text.utf8))
        return try #require(value as? [String: Any], "no JSON object: \(self.text)")
    }

    func string(_ name: String) throws -> String? { try self.members()[name] as? String }

    func integer(_ name: String) throws -> Int? { try self.members()[name] as? Int }
}
