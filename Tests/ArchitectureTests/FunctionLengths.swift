import Foundation

/// Finds functions and how long they are, by braces. It reads formatted code, where a body's closing brace stands in the
/// column of the line that opened it, so it needs no parser.
struct FunctionLengths {
    struct Function {
        var name: String
        var line: Int
        var length: Int
    }

    static func read(_ lines: [String]) -> [Function] {
        var found: [Function] = []
        for (index, line) in lines.enumerated() {
            guard let name = self.functionName(line) else { continue }
            let indent = line.prefix(while: { $0 == " " })
            guard let opening = self.opening(of: lines, from: index, indent: indent) else { continue }
            guard
                let closing = lines[(opening + 1)...].firstIndex(where: {
                    $0 == indent + "}" || $0.hasPrefix(indent + "} ")
                })
            else { continue }
            found.append(Function(name: name, line: index + 1, length: closing - index + 1))
        }
        return found
    }

    private static func functionName(_ line: String) -> String? {
        let code = line.trimmingCharacters(in: .whitespaces)
        guard !code.hasPrefix("//"), !code.hasSuffix("}") else { return nil }
        let words = code.split(separator: " ")
        if let place = words.firstIndex(of: "func"), place + 1 < words.count, place < 8 {
            return String(words[place + 1].prefix { $0 != "(" && $0 != "<" })
        }
        let isInitializer = words.prefix(4).contains { $0.hasPrefix("init(") || $0.hasPrefix("init?(") }
        return isInitializer && !code.hasPrefix("self.") && !code.contains(" = ") && !code.contains(".init(")
            ? "init" : nil
    }

    /// The line that ends with the body's opening brace; signatures may take several lines.
    private static func opening(of lines: [String], from index: Int, indent: Substring) -> Int? {
        for place in index..<min(index + 20, lines.count) {
            let line = lines[place]
            if line.hasSuffix("{"),
                place == index || line.hasPrefix(indent + ")") || line.hasPrefix(indent + "where")
                    || line.hasPrefix(indent + "{")
            {
                return place
            }
            if place > index, line == indent + "}" { return nil }
        }
        return nil
    }
}
