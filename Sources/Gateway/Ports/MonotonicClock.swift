public import Registry

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Where every `Instant` of a replica comes from: one clock, so that instants of different rooms compare.
///
/// The machine's uptime including suspension (`CLOCK_BOOTTIME` on Linux), read without a system call.
public enum MonotonicClock {
    public static func now() -> Instant {
        var time = timespec()
        #if canImport(Glibc)
            clock_gettime(CLOCK_BOOTTIME, &time)
        #else
            clock_gettime(CLOCK_MONOTONIC_RAW, &time)
        #endif
        return Instant(nanoseconds: Int64(time.tv_sec) &* 1_000_000_000 &+ Int64(time.tv_nsec))
    }
}
