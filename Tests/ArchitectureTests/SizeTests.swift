import Testing

/// Sizes by ratchet: nothing may pass the hard bounds, and the number of large things may only go down. When it went
/// down, lower the number here.
@Suite struct `The size of things` {
    static let fileLinesMax = 500
    static let testFileLinesMax = 700
    static let functionLinesMax = 70
    static let largeFilesAllowed = 4
    static let longFunctionsAllowed = 16

    @Test func `no file passes the hard bound`() throws {
        for file in try SourceTree.swiftFiles() {
            let bound = file.isTest ? Self.testFileLinesMax : Self.fileLinesMax
            #expect(file.lines.count <= bound, "\(file.path) has \(file.lines.count) lines")
        }
    }

    @Test func `files above 300 lines do not become more`() throws {
        let large = try SourceTree.sources().filter { $0.lines.count > 300 }
        #expect(large.count <= Self.largeFilesAllowed, "\(large.map { "\($0.path): \($0.lines.count)" })")
    }

    @Test func `no function passes the hard bound`() throws {
        for file in try SourceTree.sources() {
            for function in FunctionLengths.read(file.lines) {
                #expect(
                    function.length <= Self.functionLinesMax,
                    "\(file.path):\(function.line) \(function.name) has \(function.length) lines"
                )
            }
        }
    }

    @Test func `functions above 35 lines do not become more`() throws {
        let long = try SourceTree.sources().flatMap { file in
            FunctionLengths.read(file.lines).filter { $0.length > 35 }.map {
                "\(file.path):\($0.line) \($0.name) \($0.length)"
            }
        }
        #expect(long.count <= Self.longFunctionsAllowed, "\(long)")
    }

    @Test func `the reader of functions sees them`() {
        let lines = [
            "    func one(", "        a: Int", "    ) -> Int {", "        if a {", "        }", "        return 1",
            "    }", "}",
        ]
        let found = FunctionLengths.read(lines)
        #expect(found.map(\.name) == ["one"])
        #expect(found.map(\.length) == [7])
    }
}
