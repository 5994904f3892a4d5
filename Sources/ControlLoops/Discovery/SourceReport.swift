public import Registry

/// What one kind of source gave in one sweep.
public struct SourceReport: Hashable, Sendable {
    public enum Source: String, Hashable, Sendable, CaseIterable {
        case names, catalogues, seeds
    }

    public let source: Source
    /// Names resolved, entries listed, services seen.
    public var found = 0
    /// Changes of the registry.
    public var changed = 0
    /// What went wrong, each with its place; sorted, bounded.
    public private(set) var errors: [String] = []
    public private(set) var errorCount = 0

    private static let errorsMax = 8

    init(_ source: Source) { self.source = source }

    mutating func fail(_ place: String, _ reason: String) {
        self.errorCount += 1
        self.keep(self.errors + ["\(place): \(reason)"])
    }

    /// One write was made; whether it changed something.
    mutating func note(_ isChange: Bool) { self.changed += isChange ? 1 : 0 }

    mutating func add(_ other: SourceReport) {
        self.found += other.found
        self.changed += other.changed
        self.errorCount += other.errorCount
        self.keep(self.errors + other.errors)
    }

    private mutating func keep(_ errors: [String]) {
        self.errors = Array(errors.sorted().prefix(Self.errorsMax))
    }

    var summary: String {
        let errors = self.errorCount == 0 ? "" : " (\(self.errors.joined(separator: "; ")))"
        return "\(self.source.rawValue) \(self.found)\(errors)"
    }
}

/// The latest sweeps of this replica, for metrics; a replica that never led has none.
public struct SweepFigures: Hashable, Sendable {
    public var sweeps = 0
    public var lastAt: Timestamp?
    public var found: [SourceReport.Source: Int] = [:]
    public var errors: [SourceReport.Source: Int] = [:]

    public init() {}
}
