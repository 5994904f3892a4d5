import Decisions
import Testing

@Suite struct `A stable hash` {
    @Test func `is the same for a text and its bytes, in every process`() {
        #expect(StableHash.of("lstm@http://127.0.0.1:8001") == 382_618_540_073_770_389)
        let text = Array("caller-1".utf8)
        #expect(text.withUnsafeBytes { StableHash.of($0) } == StableHash.of("caller-1"))
    }

    @Test func `changes about half of the bits for one character`() {
        var flipped = 0
        for port in 8000..<9000 {
            let difference = StableHash.of("http://h:\(port)") ^ StableHash.of("http://h:\(port + 1)")
            flipped += difference.nonzeroBitCount
        }
        #expect((31_000...33_000).contains(flipped))
    }
}
