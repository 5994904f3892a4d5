#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// What the operating system says of this process; nil where it does not say (anywhere but Linux).
struct ProcessFacts: Hashable, Sendable {
    var residentBytes: Int?
    var cpuSeconds: Double?
    var openFiles: Int?
    var threads: Int?

    /// `USER_HZ`, which Linux fixes at 100 for everything it shows to programs.
    private static let ticksPerSecond = 100.0

    static func read() -> ProcessFacts {
        var facts = ProcessFacts()
        if let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) {
            facts.residentBytes = Self.field("VmRSS:", status).map { $0 * 1024 }
            facts.threads = Self.field("Threads:", status)
        }
        if let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8) {
            facts.cpuSeconds = Self.cpuSeconds(stat)
        }
        facts.openFiles = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd"))?.count
        return facts
    }

    private static func field(_ name: String, _ status: String) -> Int? {
        let line = status.split(separator: "\n").first { $0.hasPrefix(name) }
        return line?.dropFirst(name.count).split(whereSeparator: \.isWhitespace).first.flatMap { Int($0) }
    }

    /// User and system time are the 14th and 15th fields; the second is a name that may contain blanks.
    private static func cpuSeconds(_ stat: String) -> Double? {
        guard let end = stat.lastIndex(of: ")") else { return nil }
        let fields = stat[stat.index(after: end)...].split(separator: " ")
        guard fields.count > 12, let user = Double(fields[11]), let system = Double(fields[12]) else { return nil }
        return (user + system) / Self.ticksPerSecond
    }
}
