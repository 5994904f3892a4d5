import Decisions
import Registry
import Testing

/// Native requests and answers in the words of the Open Inference Protocol, and back.
@Suite struct `Translation of inferences` {
    private let lstm: ModelType
    private let v1: ModelVersion

    init() throws {
        self.lstm = try #require(ModelType("LSTM"))
        self.v1 = try #require(ModelVersion("v1"))
    }

    private func json(_ text: String) throws -> JSONValue { try JSONValue.parse(text) }

    @Test(arguments: [
        ("5", "[1]", "[5]"), ("[1, 2]", "[2]", "[1, 2]"), ("[[1, 2], [3, 4]]", "[2, 2]", "[1, 2, 3, 4]"),
        ("[]", "[0]", "[]"),
        (#"[["a"], ["b"]]"#, "[2, 1]", #"["a", "b"]"#),
    ])
    func `flattens nested arrays and nests them again`(nested: String, shape: String, flat: String) throws {
        let tensor = try Tensor(nested: self.json(nested))
        #expect(tensor.shape == (try self.json(shape).asArray?.compactMap { $0.asInteger.map(Int.init) }))
        #expect(.array(tensor.elements) == (try self.json(flat)))
        if nested != "5" { #expect(tensor.nested == (try self.json(nested))) }
    }

    @Test(arguments: ["[[1], [2, 3]]", "[1, [2]]", "[[1], 2]", "null", #"{"a": 1}"#, "[null]"])
    func `finds what is no tensor`(value: String) throws {
        let value = try self.json(value)
        #expect(throws: TensorFault.self) { try Tensor(nested: value) }
    }

    @Test(arguments: [
        (#"{"inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, -1]}]}"#, "[1, 2]", "[1, 2]", "x", "FP32"),
        (#"{"inputs": [{"name": "x", "datatype": "FP32", "shape": [-1]}]}"#, "[1, 2]", "[2]", "x", "FP32"),
        (#"{"inputs": [{"name": "x", "datatype": "FP32", "shape": [-1, 2]}]}"#, "[[1, 2]]", "[1, 2]", "x", "FP32"),
        (#"{"inputs": [], "versions": []}"#, "[[1, 2]]", "[1, 2]", "input-0", "FP64"),
        ("{}", #"["a"]"#, "[1]", "input-0", "BYTES"), ("7", "[true]", "[1]", "input-0", "BOOL"),
    ])
    func `sends data as the model's first input`(
        metadata: String,
        data: String,
        shape: String,
        name: String,
        datatype: String
    ) throws {
        let request = try InferenceTranslation.inferenceRequest(
            from: self.json(#"{"model_type": "LSTM", "data": \#(data)}"#),
            input: InferenceInput(metadata: self.json(metadata)),
            id: "q1"
        )
        let input = try #require(request["inputs"]?.asArray?.first)
        #expect(input["name"] == .string(name))
        #expect(input["datatype"] == .string(datatype))
        #expect(input["shape"] == (try self.json(shape)))
        #expect(request["id"] == "q1")
    }

    @Test(arguments: [
        ("[1, 3]", "[2, 4, 6]", "[2, 4, 6]"), ("[1, 1]", "[5]", "5"), ("[3]", "[1, 2, 3]", "[1, 2, 3]"),
        ("[2, 2]", "[1, 2, 3, 4]", "[[1, 2], [3, 4]]"), ("[2, 1]", "[0, 2]", "[[0], [2]]"),
        ("[2, 2]", "[[1, 2], [3, 4]]", "[[1, 2], [3, 4]]"),
    ])
    func `gives the first output as the prediction`(shape: String, data: String, prediction: String) throws {
        let answer = try self.json(
            #"{"outputs": [{"name": "y", "datatype": "FP64", "shape": \#(shape), "data": \#(data)}]}"#
        )
        let native = try InferenceTranslation.nativeAnswer(from: answer, modelType: self.lstm, version: self.v1)
        #expect(native["prediction"] == (try self.json(prediction)))
        #expect(native["model_version"] == "v1")
        #expect(native["outputs"] == nil)
    }

    @Test func `gives all outputs by name when there are several`() throws {
        let answer = try self.json(
            #"{"outputs": [{"name": "a", "shape": [1], "data": [1]}, {"name": "b", "shape": [2], "data": [2, 3]}]}"#
        )
        let native = try InferenceTranslation.nativeAnswer(from: answer, modelType: self.lstm, version: self.v1)
        #expect(native["prediction"] == .integer(1))
        #expect(native["outputs"] == ["a": 1, "b": [2, 3]])
    }

    @Test(arguments: [
        ("[1, 3]", "[1, 2, 3]", "[1, 2, 3]"), ("[3]", "[1, 2, 3]", "[1, 2, 3]"), ("[2, 1]", "[1, 2]", "[[1], [2]]"),
        ("[1]", "[4]", "[4]"),
    ])
    func `unpacks a batch of one for a native model`(shape: String, data: String, expected: String) throws {
        let request = try self.json(
            #"{"inputs": [{"name": "x", "shape": \#(shape), "datatype": "FP64", "data": \#(data)}]}"#
        )
        let native = try InferenceTranslation.nativeRequest(from: request, modelType: self.lstm, version: self.v1)
        #expect(native["data"] == (try self.json(expected)))
        #expect(native["model_type"] == "LSTM")
        #expect(native["model_version"] == "v1")
    }

    @Test(arguments: [
        #"{}"#, #"{"inputs": []}"#, #"{"inputs": [{"name": "a"}]}"#, #"{"inputs": [{"shape": [2], "data": [1]}]}"#,
        #"{"inputs": [{"shape": [-1], "data": [1]}]}"#, #"{"inputs": [{"shape": ["1"], "data": [1]}]}"#,
        #"{"inputs": [{"shape": [1], "data": [1]}, {"shape": [1], "data": [1]}]}"#,
        #"{"inputs": [{"shape": [4611686018427387904, 4], "data": []}]}"#,
        #"{"inputs": [{"shape": [1], "parameters": {"binary_data_size": 8}}]}"#,
    ])
    func `says why a native model cannot take it`(request: String) throws {
        let request = try self.json(request)
        #expect(throws: TensorFault.self) {
            try InferenceTranslation.nativeRequest(from: request, modelType: self.lstm, version: self.v1)
        }
    }

    @Test func `what goes there and back is the same`() throws {
        let native = try self.json(#"{"prediction": 4.5, "predictions": [4.5]}"#)
        let answer = try InferenceTranslation.inferenceAnswer(
            from: native,
            modelType: self.lstm,
            version: self.v1,
            id: "q"
        )
        #expect(answer["id"] == "q")
        #expect(answer["outputs"]?.asArray?.first?["shape"] == [1, 1])
        let back = try InferenceTranslation.nativeAnswer(from: answer, modelType: self.lstm, version: self.v1)
        #expect(back["prediction"] == .number(4.5))
    }

    @Test(
        arguments: [
            ("FP32", [0, 0, 128, 63, 0, 0, 0, 192], "[1.0, -2.0]"),
            ("INT64", [255, 255, 255, 255, 255, 255, 255, 255], "[-1]"),
            ("INT16", [1, 0, 254, 255], "[1, -2]"), ("INT8", [255], "[-1]"), ("UINT8", [255], "[255]"),
            ("UINT32", [255, 255, 255, 255], "[4294967295]"), ("BOOL", [1, 0], "[true, false]"),
            ("FP64", [0, 0, 0, 0, 0, 0, 240, 63], "[1.0]"), ("BYTES", [1, 0, 0, 0, 97, 0, 0, 0, 0], #"["a", ""]"#),
        ] as [(String, [UInt8], String)]
    )
    func `reads binary tensors`(datatype: String, bytes: [UInt8], elements: String) throws {
        let expected = try #require(try self.json(elements).asArray)
        let tensor = try Tensor(shape: [expected.count], datatype: datatype, bytes: bytes[...])
        #expect(tensor.elements == expected)
    }

    @Test(
        arguments: [
            ("FP32", [0, 0, 128]), ("FP32", [0, 0, 128, 63, 0, 0, 0, 192]), ("FP16", [0, 0]),
            ("BYTES", [2, 0, 0, 0, 97]),
            ("BYTES", [1, 0]), ("BYTES", [1, 0, 0, 0, 255]), ("UINT64", [255, 255, 255, 255, 255, 255, 255, 255]),
        ] as [(String, [UInt8])]
    )
    func `finds binary tensors that are broken`(datatype: String, bytes: [UInt8]) throws {
        #expect(throws: TensorFault.self) { try Tensor(shape: [1], datatype: datatype, bytes: bytes[...]) }
    }

    @Test func `takes the binary input of a request only as long as it says`() throws {
        let inference = try self.json(
            #"{"inputs": [{"name": "x", "datatype": "BOOL", "shape": [1, 2], "parameters": {"binary_data_size": 2}}]}"#
        )
        let native = try InferenceTranslation.nativeRequest(from: inference, raw: [1, 0], modelType: lstm, version: v1)
        #expect(native["data"] == [true, false])
        for raw in [[1], [1, 0, 0], []] as [[UInt8]] {
            #expect(throws: TensorFault.self) {
                try InferenceTranslation.nativeRequest(from: inference, raw: raw[...], modelType: lstm, version: v1)
            }
        }
    }
}
