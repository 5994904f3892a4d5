/// One answer taken apart, as plainly as it goes.
public struct CallerAnswer: Equatable, Sendable {
    public var status: Int
    public var headers: [String: String]
    public var body: String

    public subscript(name: String) -> String? { self.headers[name] }

    public static func all(in text: String) -> [CallerAnswer] {
        var (rest, answers) = (text[...], [CallerAnswer]())
        while let end = rest.firstRange(of: "\r\n\r\n") {
            let lines = rest[..<end.lowerBound].split(separator: "\r\n")
            guard let status = lines.first?.split(separator: " ").dropFirst().first.flatMap({ Int($0) }) else { break }
            var headers: [String: String] = [:]
            for line in lines.dropFirst() {
                guard let colon = line.firstIndex(of: ":") else { continue }
                let value = line[line.index(after: colon)...].drop { $0 == " " }
                headers[line[..<colon].lowercased()] = String(value)
            }
            rest = rest[end.upperBound...]
            guard let (body, left) = Self.body(headers, rest, status) else { break }
            answers.append(CallerAnswer(status: status, headers: headers, body: body))
            rest = left
        }
        return answers
    }

    private static func body(_ headers: [String: String], _ text: Substring, _ status: Int) -> (String, Substring)? {
        if headers["transfer-encoding"] == "chunked" { return Self.chunks(text) }
        guard let length = headers["content-length"].flatMap({ Int($0) }) else { return ("", text) }
        guard text.utf8.count >= length else { return nil }
        let end = text.utf8.index(text.startIndex, offsetBy: length)
        return (String(text[..<end]), text[end...])
    }

    private static func chunks(_ text: Substring) -> (String, Substring)? {
        var (rest, body) = (text, "")
        while let end = rest.firstRange(of: "\r\n") {
            guard let size = Int(rest[..<end.lowerBound], radix: 16) else { return nil }
            rest = rest[end.upperBound...]
            guard rest.utf8.count >= size + 2 else { return nil }
            let dataEnd = rest.utf8.index(rest.startIndex, offsetBy: size)
            body += rest[..<dataEnd]
            rest = rest[dataEnd...].dropFirst(1)
            if size == 0 { return (body, rest) }
        }
        return nil
    }
}
