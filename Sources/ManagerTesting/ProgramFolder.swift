import Foundation

/// Where the package's executables are: beside the test bundle that runs.
public enum ProgramFolder {
    public static func program(_ name: String) -> String {
        URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(path: name).path()
    }
}

/// A new folder for one test, short enough that a Unix socket's path fits; removed with it.
public final class ScratchFolder: Sendable {
    public let path: String

    public init() throws {
        self.path = try TemporaryDirectory.make("test")
    }

    deinit {
        TemporaryDirectory.remove(self.path)
    }

    public func write(_ text: String, to name: String) throws {
        try text.write(toFile: "\(self.path)/\(name)", atomically: true, encoding: .utf8)
    }

    /// Empty when there is no such file.
    public func read(_ name: String) -> String {
        (try? String(contentsOfFile: "\(self.path)/\(name)", encoding: .utf8)) ?? ""
    }

    /// Removes the file; false when there was none.
    public func take(_ name: String) throws -> Bool {
        guard FileManager.default.fileExists(atPath: "\(self.path)/\(name)") else { return false }
        try FileManager.default.removeItem(atPath: "\(self.path)/\(name)")
        return true
    }
}
