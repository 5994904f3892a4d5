import Registry
import Testing

@Suite struct `A timestamp` {
    @Test(arguments: [
        (Int64(0), "1970-01-01T00:00:00.000Z", "Thu, 01 Jan 1970 00:00:00 GMT"),
        (784_111_777_000, "1994-11-06T08:49:37.000Z", "Sun, 06 Nov 1994 08:49:37 GMT"),
        (951_782_400_250, "2000-02-29T00:00:00.250Z", "Tue, 29 Feb 2000 00:00:00 GMT"),
        (1_772_323_199_999, "2026-02-28T23:59:59.999Z", "Sat, 28 Feb 2026 23:59:59 GMT"),
        (-1000, "1969-12-31T23:59:59.000Z", "Wed, 31 Dec 1969 23:59:59 GMT"),
    ]) func `is written as RFC 3339 and as HTTP have it`(milliseconds: Int64, iso: String, http: String) {
        let timestamp = Timestamp(milliseconds: milliseconds)
        #expect(timestamp.description == iso)
        #expect(timestamp.httpDate == http)
    }
}
