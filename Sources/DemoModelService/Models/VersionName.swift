/// The form of a version's name, the manager's own: `[A-Za-z0-9][A-Za-z0-9._-]{0,127}`, and never `latest`.
enum VersionName {
    static let pattern = "[A-Za-z0-9][A-Za-z0-9._-]{0,127}, not latest"

    static func allows(_ text: String) -> Bool {
        guard let first = text.utf8.first, text.utf8.count <= 128, text != ModelShelf.latest else { return false }
        return self.isAlphanumeric(first) && text.utf8.allSatisfy { self.isAlphanumeric($0) || "._-".utf8.contains($0) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
        case UInt8(ascii: "a")...UInt8(ascii: "z"): true
        default: false
        }
    }
}
