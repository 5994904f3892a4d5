internal import Decisions
internal import Foundation
public import Registry

/// The services file (contract, section 3), checked as a whole: one fault and nothing of it counts.
public struct ServicesFile: Hashable, Sendable {
    /// By id.
    public var services: [ServiceDefinition]
    /// Settings of the manager by the name of their variable, as texts.
    public var settings: [String: String]

    public static let bytesMax = 16 * 1024 * 1024

    public init(services: [ServiceDefinition], settings: [String: String] = [:]) {
        self.services = services
        self.settings = settings
    }

    /// Reads JSON or YAML.
    public static func parse(_ text: String) throws(ServicesFileProblem) -> ServicesFile {
        let document = try MarkedDocument(text)
        guard let file = document.value.asObject else {
            throw document.problem(at: [], "the file must be an object, not \(document.value.kindName)")
        }
        for name in file.names where name != "services" && name != "settings" {
            throw document.problem(at: [name], "unknown field \"\(name)\"; allowed are \"services\" and \"settings\"")
        }
        guard let services = file["services"] else {
            throw document.problem(at: [], "the object \"services\" is missing")
        }
        return ServicesFile(
            services: try Self.services(services, document),
            settings: try Self.settings(file["settings"] ?? .null, document)
        )
    }

    /// Reads a file from disk; a file that cannot be read, is too large or is not UTF-8 is a problem like any other.
    public static func read(atPath path: String) throws(ServicesFileProblem) -> ServicesFile {
        try Self.parse(try Self.text(atPath: path))
    }

    static func text(atPath path: String) throws(ServicesFileProblem) -> String {
        guard let label = FileLabel.read(atPath: path), let data = FileManager.default.contents(atPath: path) else {
            throw ServicesFileProblem(line: 1, column: 1, sentence: "there is no regular, readable file")
        }
        guard label.bytes <= Self.bytesMax, data.count <= Self.bytesMax else {
            throw ServicesFileProblem(line: 1, column: 1, sentence: "the file has more than \(Self.bytesMax) bytes")
        }
        if let text = String(validating: data, as: UTF8.self) { return text }
        let lines = data.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        let line = lines.firstIndex { String(validating: $0, as: UTF8.self) == nil } ?? 0
        throw ServicesFileProblem(line: line + 1, column: 1, sentence: "the line is not UTF-8")
    }

    private static func services(
        _ value: JSONValue,
        _ document: MarkedDocument
    ) throws(ServicesFileProblem) -> [ServiceDefinition] {
        guard let entries = value.asObject else {
            throw document.problem(at: ["services"], "\"services\" must be an object, not \(value.kindName)")
        }
        var services: [ServiceDefinition] = []
        services.reserveCapacity(entries.count)
        for entry in entries.members {
            let way = ["services", entry.name]
            guard let id = ServiceID(entry.name) else {
                throw document.problem(at: way, "the service id \"\(entry.name)\" must match \(NameRule.pattern)")
            }
            do throws(FormProblems) {
                services.append(try ServiceForm.read(entry.value, id: id, at: way))
            } catch {
                throw document.problem(of: error)
            }
        }
        return services.sorted { $0.id < $1.id }
    }

    private static func settings(
        _ value: JSONValue,
        _ document: MarkedDocument
    ) throws(ServicesFileProblem) -> [String: String] {
        guard value != .null else { return [:] }
        guard let members = value.asObject?.members else {
            throw document.problem(at: ["settings"], "\"settings\" must be an object, not \(value.kindName)")
        }
        var settings: [String: String] = [:]
        for member in members {
            switch member.value {
            case .string(let text): settings[member.name] = text
            case .integer, .number, .bool: settings[member.name] = member.value.serialized()
            case .null, .array, .object:
                let sentence = "settings.\(member.name): must be a text or a number, not \(member.value.kindName)"
                throw document.problem(at: ["settings", member.name], sentence)
            }
        }
        return settings
    }
}
