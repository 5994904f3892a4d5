import Foundation
import ManagerTesting

/// An answer whose body a test looks into by name.
struct JSONAnswer: Sendable, CustomStringConvertible {
    let status: Int
    let headers: [String: String]
    let text: String

    init(_ answer: PlainClient.Answer) {
        (self.status, self.headers, self.text) = (answer.status, answer.headers, answer.body)
    }

    var description: String { "\(self.status) \(self.text)" }

    /// The member under a dotted path; a number in it is an index.
    subscript(path: String) -> Any? {
        let whole = try? JSONSerialization.jsonObject(with: Data(self.text.utf8), options: .fragmentsAllowed)
        return path.split(separator: ".").reduce(whole) { value, step in
            if let list = value as? [Any], let index = Int(step) {
                return list.indices.contains(index) ? list[index] : nil
            }
            return (value as? [String: Any])?[String(step)]
        }
    }

    func string(_ path: String) -> String? { self[path] as? String }
    func number(_ path: String) -> Double? { (self[path] as? NSNumber)?.doubleValue }
    func strings(_ path: String) -> [String]? { self[path] as? [String] }
    func count(_ path: String) -> Int? { (self[path] as? [Any])?.count }
}
