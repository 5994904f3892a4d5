public import Registry

/// A tensor of the Open Inference Protocol, its elements in row-major order, and the nested arrays that native services
/// take and give instead.
///
/// Arrays are nested at most as deep as JSON may be, and all of one level are equally long, or it is no tensor.
public struct Tensor: Hashable, Sendable {
    public var shape: [Int]
    /// Numbers, booleans or strings.
    public var elements: [JSONValue]

    /// From nested arrays, or from one element, which has the shape `[1]`.
    public init(nested value: JSONValue) throws(TensorFault) {
        var shape: [Int] = []
        var level = value
        while case .array(let list) = level {
            shape.append(list.count)
            guard let first = list.first else { break }
            level = first
        }
        var elements: [JSONValue] = []
        try Self.flatten(value, shape[...], into: &elements)
        self.shape = shape.isEmpty ? [1] : shape
        self.elements = elements
    }

    /// From the wire: servers send elements flat as the specification says, or nested as the shape.
    public init(shape: [Int], data: JSONValue) throws(TensorFault) {
        guard shape.allSatisfy({ $0 >= 0 }) else { throw TensorFault("the shape has a negative dimension") }
        let nested = try Tensor(nested: data)
        var count = 1
        for dimension in shape {
            let (product, overflows) = count.multipliedReportingOverflow(by: dimension)
            guard !overflows else { throw TensorFault("the shape is too large") }
            count = product
        }
        guard nested.elements.count == count else {
            throw TensorFault("the shape \(shape) means \(count) elements, the data has \(nested.elements.count)")
        }
        self.shape = shape
        self.elements = nested.elements
    }

    /// Nested arrays by the shape.
    public var nested: JSONValue {
        var place = 0
        return Self.nest(self.shape[...], self.elements, &place)
    }

    /// Nested arrays without the leading dimensions of 1, down to the one element if there is only one.
    public var squeezed: JSONValue {
        guard self.elements.count > 1 else { return self.elements.first ?? .array([]) }
        let shape = self.shape.drop { $0 == 1 }
        var place = 0
        return Self.nest(shape, self.elements, &place)
    }

    /// What the protocol calls the elements when the model does not say: `FP64`, `BOOL` or `BYTES`.
    public var datatype: String {
        switch self.elements.first {
        case .bool: "BOOL"
        case .string: "BYTES"
        case .integer, .number, .null, .array, .object, nil: "FP64"
        }
    }

    private static func flatten(
        _ value: JSONValue,
        _ shape: ArraySlice<Int>,
        into elements: inout [JSONValue]
    ) throws(TensorFault) {
        switch value {
        case .array(let list):
            guard let expected = shape.first else { throw TensorFault("the arrays are not all equally deep") }
            guard list.count == expected else { throw TensorFault("the arrays of one level are not equally long") }
            for element in list { try self.flatten(element, shape.dropFirst(), into: &elements) }
        case .integer, .number, .bool, .string:
            guard shape.isEmpty else { throw TensorFault("the arrays are not all equally deep") }
            elements.append(value)
        case .null, .object: throw TensorFault("\(value.kindName) cannot stand in a tensor")
        }
    }

    private static func nest(_ shape: ArraySlice<Int>, _ elements: [JSONValue], _ place: inout Int) -> JSONValue {
        guard let count = shape.first else {
            defer { place += 1 }
            return elements[place]
        }
        guard shape.count > 1 else {
            defer { place += count }
            return .array(Array(elements[place..<(place + count)]))
        }
        var list: [JSONValue] = []
        for _ in 0..<count { list.append(self.nest(shape.dropFirst(), elements, &place)) }
        return .array(list)
    }
}
