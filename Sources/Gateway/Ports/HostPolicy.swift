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

    /// Whether an entry can ever hold: `10.0.0.0/40` and `300.1.1.1` are no addresses, and no names either; taken for
    /// globs they would silently allow or deny nothing.
    public static func isUsable(_ entry: String) -> Bool {
        if AddressBlock(entry) != nil { return true }
        let isNumber = entry.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
        return !isNumber && entry.utf8.allSatisfy(Self.mayStandInGlob)
    }

    private static func mayStandInGlob(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "0")...UInt8(ascii: "9"): true
        case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "*"): true
        default: false
        }
    }
}
