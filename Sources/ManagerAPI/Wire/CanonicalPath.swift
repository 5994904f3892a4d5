internal import Registry

/// The one reading of a request's path that routing goes by.
///
/// What two parsers could read differently (a slash or a dot in disguise, an empty segment) is refused instead of
/// being interpreted: that is how authorisation in front of this door and routing behind it stay about the same path.
enum CanonicalPath {
    /// The decoded segments. One slash at the end is tolerated.
    static func segments(of path: String) throws(Problem) -> [Substring] {
        guard path.hasPrefix("/") else { throw Self.refused("it does not begin with a slash") }
        var segments = path.dropFirst().split(separator: "/", omittingEmptySubsequences: false)
        if segments.last == "" { segments.removeLast() }
        var decoded: [Substring] = []
        for segment in segments { decoded.append(try Self.decoded(segment)) }
        return decoded
    }

    private static func decoded(_ segment: Substring) throws(Problem) -> Substring {
        guard !segment.isEmpty else { throw Self.refused("it has an empty segment") }
        guard let text = PercentCoding.decode(segment) else { throw Self.refused("its percent-encoding is broken") }
        guard text != ".", text != ".." else { throw Self.refused("it has a dot segment") }
        let isPlain = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0 != "\u{7F}" && $0 != "/" && $0 != "\\" }
        guard isPlain, !text.contains(";") else {
            throw Self.refused("a segment contains a slash, a backslash, a semicolon or a control character")
        }
        return text[...]
    }

    private static func refused(_ reason: String) -> Problem {
        Problem(.invalidRequest, "the path is not in its simplest form: \(reason)")
    }
}
