public import Registry

/// The first input of a model, as its server's metadata describes it: where native `data` goes.
///
/// MLServer leaves its lists empty for most runtimes and takes any name; Triton insists on what it says. A dimension of -1
/// is free; the first one is the batch where a model has batches.
public struct InferenceInput: Hashable, Sendable {
    public var name: String
    /// Nil: by the elements.
    public var datatype: String?
    public var shape: [Int]?

    /// For servers that do not say.
    public static let unknown = InferenceInput(name: "input-0", datatype: nil, shape: nil)

    public init(name: String, datatype: String?, shape: [Int]?) {
        self.name = name
        self.datatype = datatype
        self.shape = shape
    }

    /// From the answer to `GET /v2/models/{model}`.
    public init(metadata: JSONValue) {
        guard let input = metadata["inputs"]?.asArray?.first, let name = input["name"]?.asString else {
            self = .unknown
            return
        }
        let shape = input["shape"]?.asArray?.compactMap { $0.asInteger.flatMap { Int(exactly: $0) } }
        self.init(name: name, datatype: input["datatype"]?.asString, shape: shape)
    }

    /// The dimensions that `data` of this shape is sent with: as it is, or as a batch of one.
    func shape(for data: [Int]) -> [Int] {
        guard let declared = self.shape, declared.count == data.count + 1 else { return data }
        return [1] + data
    }
}
