public import Registry

/// Says the requests and answers of one protocol in the other: native `{"data": …}` and `{"prediction": …}`, and the
/// tensors of the Open Inference Protocol (REST, version 2).
///
/// The hard case is the batch: native services know none. A native series becomes a batch of one where the model wants
/// one, and a batch of one becomes a series; leading dimensions of 1 fall away in answers, down to a plain number.
public enum InferenceTranslation {
    // MARK: Native caller, OIP service

    /// The body for `POST /v2/models/{model}/infer`.
    public static func inferenceRequest(
        from native: JSONValue,
        input: InferenceInput,
        id: String
    ) throws(TensorFault) -> JSONValue {
        guard let data = native["data"] else { throw TensorFault("field required") }
        let tensor = try Tensor(nested: data)
        let shape = input.shape(for: tensor.shape)
        return [
            "id": .string(id),
            "inputs": [
                [
                    "name": .string(input.name), "shape": .array(shape.map { .integer(Int64($0)) }),
                    "datatype": .string(input.datatype ?? tensor.datatype), "data": .array(tensor.elements),
                ]
            ],
        ]
    }

    /// What a native caller gets of an inference's answer: the first output as `prediction`, all by name when there are
    /// several.
    public static func nativeAnswer(
        from inference: JSONValue,
        modelType: ModelType,
        version: ModelVersion
    ) throws(TensorFault) -> JSONValue {
        guard let outputs = inference["outputs"]?.asArray, let first = outputs.first else {
            throw TensorFault("the answer has no outputs")
        }
        var answer: JSONObject = [
            "model_type": .string(modelType.text), "model_version": .string(version.text),
            "prediction": try self.tensor(first).squeezed,
        ]
        guard outputs.count > 1 else { return .object(answer) }
        var named = JSONObject()
        for output in outputs { named[output["name"]?.asString ?? ""] = try self.tensor(output).squeezed }
        answer["outputs"] = .object(named)
        return .object(answer)
    }

    /// The output of that name, or the first one, of an answer whose outputs may stand in binary behind its JSON.
    public static func output(
        named name: String,
        of inference: JSONValue,
        raw: ArraySlice<UInt8>
    ) throws(TensorFault) -> Tensor {
        var found: (output: JSONValue, bytes: ArraySlice<UInt8>)?
        var rest = raw
        for output in inference["outputs"]?.asArray ?? [] {
            let size = output["parameters"]?["binary_data_size"]?.asInteger ?? 0
            guard (0...Int64(rest.count)).contains(size) else { throw TensorFault("the binary data is cut off") }
            let bytes = rest.prefix(Int(size))
            rest = rest.dropFirst(Int(size))
            if found == nil || output["name"]?.asString == name { found = (output, bytes) }
        }
        guard let found else { throw TensorFault("the answer has no outputs") }
        return try self.tensor(found.output, found.bytes)
    }

    // MARK: OIP caller, native service

    /// The body for a native `POST /predict`. `raw` is what follows the JSON of a request with binary tensors.
    public static func nativeRequest(
        from inference: JSONValue,
        raw: ArraySlice<UInt8> = [],
        modelType: ModelType,
        version: ModelVersion
    ) throws(TensorFault) -> JSONValue {
        guard let inputs = inference["inputs"]?.asArray, let input = inputs.first else {
            throw TensorFault("one input required")
        }
        guard inputs.count == 1 else { throw TensorFault("a native model takes one input, not \(inputs.count)") }
        let tensor = try self.tensor(input, raw)
        let data = tensor.shape.count > 1 && tensor.shape[0] == 1 ? self.unbatched(tensor) : tensor.nested
        return [
            "model_type": .string(modelType.text), "model_version": .string(version.text), "data": data,
        ]
    }

    /// The answer of an inference, made of a native one. Its `prediction` becomes the only output.
    public static func inferenceAnswer(
        from native: JSONValue,
        modelType: ModelType,
        version: ModelVersion,
        id: String?
    ) throws(TensorFault) -> JSONValue {
        guard let prediction = native["prediction"] ?? native["predictions"] else {
            throw TensorFault("the answer has neither prediction nor predictions")
        }
        let tensor = try Tensor(nested: prediction)
        var answer: JSONObject = [
            "model_name": .string(modelType.text), "model_version": .string(version.text),
            "outputs": [
                [
                    "name": "prediction", "shape": .array(([1] + tensor.shape).map { .integer(Int64($0)) }),
                    "datatype": .string(tensor.datatype), "data": .array(tensor.elements),
                ]
            ],
        ]
        if let id { answer["id"] = .string(id) }
        return .object(answer)
    }

    private static func unbatched(_ tensor: Tensor) -> JSONValue {
        tensor.nested.asArray?.first ?? tensor.nested
    }

    private static func tensor(_ value: JSONValue, _ raw: ArraySlice<UInt8> = []) throws(TensorFault) -> Tensor {
        guard let dimensions = value["shape"]?.asArray else { throw TensorFault("a tensor has no shape") }
        let shape = dimensions.compactMap { $0.asInteger.flatMap { Int(exactly: $0) } }
        guard shape.count == dimensions.count else { throw TensorFault("the shape must be a list of integers") }
        if let size = value["parameters"]?["binary_data_size"] {
            guard size.asInteger == Int64(raw.count) else {
                throw TensorFault("\(raw.count) bytes follow the JSON, and binary_data_size is \(size)")
            }
            return try Tensor(shape: shape, datatype: value["datatype"]?.asString ?? "", bytes: raw)
        }
        guard let data = value["data"] else { throw TensorFault("a tensor has no data") }
        return try Tensor(shape: shape, data: data)
    }
}
