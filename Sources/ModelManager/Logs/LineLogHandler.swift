import Foundation
import Logging
import Registry

/// Writes one line per event to standard error: text for people or JSON for machines, each in a single write.
///
/// Standard output stays free for data: the `ready` line and what commands print.
struct LineLogHandler: LogHandler {
    enum Format: Sendable { case text, json }

    var logLevel: Logger.Level
    var metadata: Logger.Metadata = [:]
    var metadataProvider: Logger.MetadataProvider?
    private let format: Format
    private let label: String

    init(label: String, level: Logger.Level, format: Format) {
        self.label = label
        self.logLevel = level
        self.format = format
    }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        var fields = self.metadata
        fields.merge(self.metadataProvider?.get() ?? [:]) { $1 }
        fields.merge(event.metadata ?? [:]) { $1 }
        if let error = event.error { fields["error"] = "\(error)" }
        let line = self.line(event, fields: fields.sorted { $0.key < $1.key }.map { ($0.key, $0.value.description) })
        StandardStreams.error(line + "\n")
    }

    private func line(_ event: LogEvent, fields: [(String, String)]) -> String {
        let time = Timestamp(milliseconds: Int64((ProcessInfo.wallClockSeconds * 1000).rounded(.down))).description
        switch self.format {
        case .text:
            let level = event.level.rawValue.uppercased()
            let padded = level + String(repeating: " ", count: max(0, 8 - level.count))
            return ([time, padded, Self.oneLine("\(event.message)")] + fields.map { "\($0)=\(Self.quoted($1))" })
                .joined(separator: " ")
        case .json:
            var members: [(String, JSONValue)] = [
                ("ts", .string(time)), ("level", .string(event.level.rawValue)), ("msg", .string("\(event.message)")),
                ("logger", .string(self.label)),
            ]
            members += fields.map { ($0, .string($1)) }
            return JSONValue.object(JSONObject(members)).serialized()
        }
    }

    /// A text with blanks, quotes or control characters is quoted and escaped, so that a line stays a line.
    private static func quoted(_ text: String) -> String {
        let isPlain = !text.isEmpty && text.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x7F }
        return isPlain ? text : JSONValue.string(text).serialized()
    }

    private static func oneLine(_ text: String) -> String {
        text.utf8.allSatisfy { $0 >= 0x20 } ? text : String(text.map { $0.isNewline ? " " : $0 })
    }
}

extension ProcessInfo {
    fileprivate static var wallClockSeconds: Double {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        return Double(now.tv_sec) + Double(now.tv_nsec) / 1e9
    }
}
