/// One pass over a JSON body: is it JSON, and where are the few top-level members that decide on its way?
///
/// The body itself is never decoded and never copied: a prediction's data is the model's business. Strict by RFC 8259:
/// what passes here is read the same way by every JSON parser behind us. (Escaped lone surrogates pass, as the grammar
/// allows them.) A routing member that is there twice is refused, also when its name is written with escapes, because
/// parsers disagree on which one counts.
///
/// Resumable: call `scan` whenever more of the body has come, each time with all of it from its first byte; what was
/// scanned is not looked at again. The last call says `isComplete`.
public struct BodyScan: Hashable, Sendable {
    public enum Result: Hashable, Sendable {
        /// Nothing wrong so far; more must come.
        case incomplete
        case ok(Found)
        /// What is wrong and at which byte.
        case invalid(Invalid, offset: Int)
    }

    /// Objects and arrays inside one another.
    public static let depthMax = 64

    var state = State.value
    var index = 0
    /// Open objects and arrays, and one bit for each, the innermost lowest: set for an object.
    var depth = 0
    var objects: UInt64 = 0
    /// Where the present string or number began, and what is known of the string.
    var tokenStart = 0
    var stringHasEscapes = false
    var numberPart = NumberPart.sign
    /// Numbers to take one by one before another attempt at a run: runs that lead nowhere cost more than they save.
    var runPause = 0
    /// The routing member whose value is being read.
    var member = RoutingMember.none
    var valueStart = 0
    var found = Found()

    public init() {}

    /// What the scanner expects next.
    enum State: Hashable {
        case value
        /// After `[`: a value or `]`.
        case firstElement
        /// After `{`: a name or `}`.
        case firstName
        case name
        case colon
        case commaOrEnd
        /// After the outermost value.
        case nothing
        /// Inside a string: a name, or a value.
        case nameString, valueString
        case number
        case failed(Invalid, offset: Int)
    }

    /// What of a number was read last.
    enum NumberPart: Hashable {
        case sign, zero, integer, point, fraction, exponentMark, exponentSign, exponent
    }

    /// The top-level names the manager reads.
    enum RoutingMember: Hashable { case none, modelType, modelVersion, aggregate }
}

extension BodyScan {
    /// What was found; absent members have the kind `.absent`.
    public struct Found: Hashable, Sendable {
        public internal(set) var modelType = Member()
        public internal(set) var modelVersion = Member()
        public internal(set) var aggregate = Member()
    }

    /// One top-level member: where its value lies.
    public struct Member: Hashable, Sendable {
        public enum Kind: Hashable, Sendable { case absent, string, number, bool, null, array, object }

        public internal(set) var kind = Kind.absent
        /// For a string what stands between its quotes, else the whole value.
        public internal(set) var range = ByteRange.none
        /// The string's bytes are not its text: compare what `text(of:)` says.
        public internal(set) var hasEscapes = false

        /// The text of a string, its escapes undone; nil when this is no string, or its escapes make no text.
        public func text(of body: UnsafeRawBufferPointer) -> String? {
            guard self.kind == .string else { return nil }
            let raw = self.range.bytes(of: body)
            return self.hasEscapes ? EscapedText.text(of: raw) : String(decoding: raw, as: UTF8.self)
        }
    }

    /// Why a body is no JSON that we accept.
    public enum Invalid: Hashable, Sendable {
        case unexpectedByte, unexpectedEnd, tooDeep, notAnObject, byteOrderMark
        case controlCharacter, escape, encoding, number, trailingComma, afterEnd, tooLong
        case repeatedModelType, repeatedModelVersion, repeatedAggregate

        /// Completes "the body is not valid: …".
        public var sentence: String {
            switch self {
            case .unexpectedByte: "a character that cannot stand here"
            case .unexpectedEnd: "it ends in the middle"
            case .tooDeep: "more than \(BodyScan.depthMax) objects and arrays inside one another"
            case .notAnObject: "it must be an object"
            case .byteOrderMark: "it begins with a byte order mark"
            case .controlCharacter: "a control character inside a string"
            case .escape: "an unknown escape inside a string"
            case .encoding: "a string that is not UTF-8"
            case .number: "a malformed number"
            case .trailingComma: "a comma with nothing after it"
            case .afterEnd: "something follows the object"
            case .tooLong: "it is longer than 4 GiB"
            case .repeatedModelType: "model_type is there twice"
            case .repeatedModelVersion: "model_version is there twice"
            case .repeatedAggregate: "aggregate is there twice"
            }
        }
    }
}
