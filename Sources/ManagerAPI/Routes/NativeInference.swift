internal import ClusterState
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

    /// Counted by the manager; what only a server can know is zero.
    static func statistics(of type: ModelType, _ version: ModelVersion, _ counts: TrafficSight.Counts?) -> JSONValue {
        let requests = counts?.requests ?? 0
        let failures = counts?.failures ?? 0
        func figures(_ count: Int64, _ microseconds: Int64) -> JSONValue {
            ["count": .integer(count), "ns": .integer(microseconds * 1000)]
        }
        let asked = figures(requests - failures, counts?.latencyMicroseconds ?? 0)
        let none = figures(0, 0)
        let row: JSONValue = [
            "name": .string(type.text), "version": .string(version.text), "last_inference": 0,
            "inference_count": .integer(requests - failures), "execution_count": .integer(requests - failures),
            "inference_stats": [
                "success": asked, "fail": figures(failures, 0), "queue": none, "compute_input": none,
                "compute_infer": asked, "compute_output": none,
            ],
            "batch_stats": [],
        ]
        return ["model_stats": [row]]
    }
}
