internal import Registry

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// The `Date` of answers that the manager itself makes, written anew once a second. What an instance answers is passed
/// on as it came.
struct DateLine {
    private var second = Int64.min
    private var text = ""

    /// With CRLF.
    mutating func now() -> String {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        let second = Int64(time.tv_sec)
        if second != self.second {
            self.second = second
            self.text = "date: \(Timestamp(milliseconds: second * 1000).httpDate)\r\n"
        }
        return self.text
    }
}
