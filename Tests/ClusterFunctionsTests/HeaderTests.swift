import ClusterFunctions
import Testing

@Suite struct `Every function` {
    private static let source = ClusterFunctions.parts.map { String(decoding: $0, as: UTF8.self) }.joined()
    private static let published = source.matches(of: /publish\('(\w+)', (\w+)/).map { (String($0.1), String($0.2)) }

    @Test func `is published under the name it has in the file`() {
        #expect(Self.published.count >= 10)
        for (name, function) in Self.published { #expect(name == function) }
    }

    @Test(arguments: Self.published.map(\.0))
    func `has a header that names keys, reply and its caller in Swift`(name: String) throws {
        let parts = Self.source.split(separator: "local function \(name)(", maxSplits: 1)
        let header = try #require(parts.first?.split(separator: "--[[").last)
        #expect(header.hasSuffix("]]\n"), "\(name) has no header directly before it")
        for line in ["KEYS[1]", "Returns", "Swift    ClusterState."] { #expect(header.contains(line), "\(name)") }
    }
}
