internal import Registry

/// What clients of the Open Inference Protocol are told of models whose services do not speak it.
///
/// A native service takes and gives one thing, of any length.
enum NativeInference {
    private static let platform = JSONValue.string("model-manager_native")

    static func metadata(of type: ModelType, versions: [ModelVersion]) -> JSONValue {
        func tensor(_ name: String) -> JSONValue {
            ["name": .string(name), "datatype": "FP64", "shape": [-1, -1]]
        }
        return [
            "name": .string(type.text), "versions": JSONValue(versions.map(\.text)), "platform": self.platform,
            "inputs": [tensor("data")], "outputs": [tensor("prediction")],
        ]
    }

    /// In the form that Triton gives.
    static func configuration(of type: ModelType) -> JSONValue {
        func tensor(_ name: String) -> JSONValue {
            ["name": .string(name), "data_type": "TYPE_FP64", "dims": [-1, -1]]
        }
        return [
            "name": .string(type.text), "platform": self.platform, "max_batch_size": 0,
            "input": [tensor("data")], "output": [tensor("prediction")],
        ]
    }
}
