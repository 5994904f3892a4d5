/// Which addresses a service may live at, judged on the resolved address at the moment of connecting.
///
/// Judging the name alone is not enough: a name may resolve to one address when it is registered and to a cloud's
/// metadata service later, and numbers such as `2852039166` are addresses too.
public struct HostPolicy: Hashable, Sendable {
    /// CIDR blocks and host globs; empty allows all that is not denied.
    public var allowed: [String]
    /// CIDR blocks and host globs, beside the addresses that are always denied (link-local, cloud metadata).
    public var denied: [String]

    public init(allowed: [String] = [], denied: [String] = []) {
        self.allowed = allowed
        self.denied = denied
    }
}
