public import Registry

/// A problem with what is wrong in which place of the body, which a 422 lists.
public struct Refusal: Error, Hashable, Sendable {
    /// One entry of `detail`: the place, a sentence, and a word for programs.
    public struct Fault: Hashable, Sendable {
        public var location: [String]
        public var message: String
        public var type: String

        public init(location: [String], message: String, type: String) {
            self.location = location
            self.message = message
            self.type = type
        }
    }

    public var problem: Problem
    public var faults: [Fault]

    public init(_ problem: Problem, faults: [Fault] = []) {
        self.problem = problem
        self.faults = faults
    }

    /// One member of the body is missing or wrong.
    static func member(_ name: String, _ message: String, type: String) -> Refusal {
        Refusal(
            Problem(.validationError, "\(name): \(message)"),
            faults: [Fault(location: ["body", name], message: message, type: type)]
        )
    }
}
