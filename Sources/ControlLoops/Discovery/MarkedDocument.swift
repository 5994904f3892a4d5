internal import Registry
internal import Yams

/// A YAML or JSON text as a value, together with where each of its members stands.
///
/// JSON (a text that begins with a brace) is read by our own strict parser, which knows the exact place of a fault and
/// refuses a key that stands twice; as YAML's flow style holds JSON, the marks of its members come from the YAML parser.
/// YAML is read by the core schema of version 1.2: `true` and `false` are booleans, `yes`, `no` and `on` are words.
/// Bounds: depth, and the number of nodes after aliases are resolved, since nine lines of aliases can stand for a
/// thousand million nodes.
struct MarkedDocument {
    let value: JSONValue
    /// The nodes with their marks; of a JSON text they are made only when a fault is to be placed.
    private let root: () -> Node?

    static let nodesMax = 1_000_000

    init(_ text: String) throws(ServicesFileProblem) {
        if text.first(where: { !$0.isWhitespace }) == "{" {
            do throws(JSONProblem) {
                self.value = try JSONValue.parse(text)
            } catch {
                throw ServicesFileProblem(line: error.line, column: error.column, sentence: error.sentence)
            }
            self.root = { try? Yams.compose(yaml: text, .basic) }
            return
        }
        guard let root = try Self.compose(text) else {
            throw ServicesFileProblem(line: 1, column: 1, sentence: "the file is empty")
        }
        var reader = NodeReader(nodesLeft: Self.nodesMax)
        self.value = try reader.value(of: root, depth: 0)
        self.root = { root }
    }

    /// Where the way leads, or where the last member on it stands that exists.
    private func place(of way: [String]) -> (line: Int, column: Int) {
        var node = self.root()
        var place = node?.mark
        for name in way {
            guard let step = node.flatMap({ Self.step(from: $0, to: name) }) else { break }
            place = step.mark ?? place
            node = step.node
        }
        return (place?.line ?? 1, place?.column ?? 1)
    }

    /// A member's value, and the mark of its key; an element, and its own mark.
    private static func step(from node: Node, to name: String) -> (node: Node, mark: Mark?)? {
        switch node {
        case .mapping(let mapping):
            return mapping.first { $0.key.scalar?.string == name }.map { ($0.value, $0.key.mark) }
        case .sequence(let sequence):
            guard let index = Int(name), sequence.indices.contains(index) else { return nil }
            return (sequence[index], sequence[index].mark)
        case .scalar, .alias:
            return nil
        }
    }

    func problem(at way: [String], _ sentence: String) -> ServicesFileProblem {
        let place = self.place(of: way)
        return ServicesFileProblem(line: place.line, column: place.column, sentence: sentence)
    }

    /// The first fault with its place, and how many more there are.
    func problem(of faults: FormProblems) -> ServicesFileProblem {
        let first = faults.problems[0]
        let more = faults.problems.count > 1 ? " (and \(faults.problems.count - 1) more)" : ""
        let path = first.loc.isEmpty ? "the file" : first.loc.joined(separator: ".") + ":"
        return self.problem(at: first.loc, "\(path) \(first.msg)\(more)")
    }

    private static func compose(_ text: String) throws(ServicesFileProblem) -> Node? {
        do {
            return try Yams.compose(yaml: text, .basic)
        } catch {
            throw Self.problem(error)
        }
    }

    private static func problem(_ error: any Error) -> ServicesFileProblem {
        switch error as? YamlError {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            let sentence = context.map { "\($0.text) \(problem)" } ?? problem
            return ServicesFileProblem(line: mark.line, column: mark.column, sentence: sentence)
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.map { "\"\($0)\"" }.joined(separator: ", ")
            let sentence = "\(names) stands twice in one mapping"
            return ServicesFileProblem(line: context.mark.line, column: context.mark.column, sentence: sentence)
        case .reader(let problem, _, _, _):
            return ServicesFileProblem(line: 1, column: 1, sentence: problem)
        default:
            return ServicesFileProblem(line: 1, column: 1, sentence: "the file cannot be read as YAML: \(error)")
        }
    }
}
