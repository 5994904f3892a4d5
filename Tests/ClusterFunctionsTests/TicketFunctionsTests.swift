import ManagerTesting
import RedisClient
import Testing

@Suite struct `Tickets` {
    @Test func `are handed out in blocks that follow one another, per pool`() async throws {
        try await FunctionBench.run { (bench) async throws -> Void in
            #expect(try await bench.told("ticket_block", "p", "1", "q", "8") == ["0", "0"])
            #expect(try await bench.told("ticket_block", "p", "3", "q", "1") == ["1", "8"])
            #expect(try await bench.send("GET", bench.prefix + "cursor:p").string == "4")
        }
    }

    @Test(arguments: [
        ["SET", "lots"], ["SET", "9223372036854775807"], ["SET", "4503599627370496"], ["SET", "-9"], ["RPUSH", "list"],
    ]) func `begin anew when somebody broke the cursor`(command: [String]) async throws {
        try await FunctionBench.run { (bench) async throws -> Void in
            _ = try await bench.send(command[0], bench.prefix + "cursor:p", command[1])
            #expect(try await bench.told("ticket_block", "p", "4") == ["0"])
            #expect(try await bench.told("ticket_block", "p", "4") == ["4"])
        }
    }
}
