import Registry
import Testing

@Suite struct `Timestamps from text` {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("1970-01-01T00:00:00.001Z", 1), ("2000-02-29T23:59:59.5z", 951_868_799_500),
        ("2026-01-31t13:00:00+01:00", 1_769_860_800_000), ("1969-12-31T23:59:59.999999999Z", -1),
        ("2016-12-31T23:59:60Z", 1_483_228_799_000), ("2026-01-31T11:30:00-00:30", 1_769_860_800_000),
    ]) func `are read`(text: String, milliseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "soon", "2026-01-31", "2026-01-31T12:00:00", "2026-13-01T00:00:00Z", "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:60:00Z", "2026-01-31T12:00:61Z",
        "2026-01-31 12:00:00Z", "2026-01-31T12:00:00.Z", "2026-01-31T12:00:00+1:00", "2026-01-31T12:00:00+25:00",
        "2026-01-31T12:00:00ZZ", "2026-1-31T12:00:00ZZZZ", "２026-01-31T12:00:00Z", "2026-00-10T12:00:00Z",
        "2026-01-00T12:00:00Z", "+026-01-31T12:00:00Z",
    ]) func `are refused when they are no time`(text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test func `what is written can be read, on every day of four hundred years`() {
        for day in stride(from: Int64(-73_000), to: 73_100, by: 1) {
            let time = Timestamp(milliseconds: day * 86_400_000 + 45_296_789)
            #expect(Timestamp(rfc3339: time.description) == time)
        }
    }
}
