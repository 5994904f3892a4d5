/// A library of Redis Functions, made of Lua parts, under a name that only its own content can have.
///
/// Redis keeps functions under names that are global to it, so two versions of a program that share a Redis would
/// replace each other's functions under load. Here library and functions carry a hash of the source: versions stand
/// side by side, a library that exists is the right one, and loading it again is harmless. What old versions leave
/// behind stays until an operator deletes it (`FUNCTION DELETE`).
///
/// The Lua source stays plain Lua that `redis-cli -x FUNCTION LOAD` takes as it is. It begins with the line
/// `#!lua name=modelmanager`, has the line `local LIBRARY = 'modelmanager'`, and registers a function `put` under the
/// name `LIBRARY .. '_put'`. Making the library replaces the name in exactly these two lines.
public struct RedisLibrary: Sendable, Hashable {
    /// Such as `modelmanager_9f86d081`.
    public let name: String
    /// The Lua text as it is loaded.
    public let source: [UInt8]

    /// - Parameters:
    ///   - base: The name in the source.
    ///   - parts: Lua files, in the order in which they are to be read; a local of one is visible in the next.
    public init(base: String, parts: [[UInt8]]) {
        let source = parts.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "\n")
        let name = "\(base)_\(Self.hash(source))"
        var lines = source.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        precondition(lines.first == "#!lua name=\(base)", "the library's first line must be '#!lua name=\(base)'")
        let declaration = lines.firstIndex(of: "local LIBRARY = '\(base)'")
        guard let declaration else { preconditionFailure("the library lacks the line: local LIBRARY = '\(base)'") }
        lines[0] = "#!lua name=\(name)"
        lines[declaration] = "local LIBRARY = '\(name)'"
        self.name = name
        self.source = Array(lines.joined(separator: "\n").utf8)
    }

    /// The name under which Redis knows a function of this library.
    public func functionName(_ function: String) -> String {
        "\(self.name)_\(function)"
    }

    /// FNV-1a, 64 bits: tells versions of one's own source apart; it need not withstand an enemy.
    private static func hash(_ text: String) -> String {
        let hash = text.utf8.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
        let digits = String(hash, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
