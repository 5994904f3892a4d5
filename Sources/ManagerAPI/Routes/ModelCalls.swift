internal import Gateway
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Registry

/// `POST /predict` as it comes through the general door: chunked, with `Expect`, or otherwise not
/// of the common form. The body is collected, then the same engine serves it as on the fast path.
struct ModelCalls: Sendable {
    let ports: FacePorts
    let bodyBytesMax: Int

    func predict(_ call: Call) async throws -> Response { try await self.pass(call, .predict) }

    func pass(_ call: Call, _ operation: GatewayRequest.Operation) async throws -> Response {
        let body = try await call.body(bytesMax: self.bodyBytesMax, setBy: "MAX_BODY_BYTES")
        var request = GatewayRequest(operation: operation, headers: Self.headers(call), body: body)
        request.scope = call.principal?.scope
        let answer = try await call.whileCallerPresent { [request] in await self.ports.traffic.exchange(request) }
        return Self.response(answer, call)
    }

    /// As received, but with the request id that this answer will carry.
    private static func headers(_ call: Call) -> [(name: String, value: String)] {
        let received = call.request.headers.filter { $0.name != .requestID }
        return received.map { ($0.name.rawName, $0.value) } + [("x-request-id", call.requestID)]
    }

    private static func response(_ answer: GatewayAnswer, _ call: Call) -> Response {
        var headers = HTTPFields()
        for header in answer.headers {
            if let name = HTTPField.Name(header.name) { headers.append(HTTPField(name: name, value: header.value)) }
        }
        let length = headers[.contentLength].flatMap(Int.init)
        let stream = answer.body
        let body = ResponseBody(contentLength: length) { writer in
            let output = BodyOutput(writer)
            try await call.whileCallerPresent {
                for try await part in stream { try await output.write(part) }
            }
            try await writer.finish(nil)
        }
        return Response(status: .init(code: answer.status), headers: headers, body: body)
    }
}
