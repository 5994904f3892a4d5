internal import ClusterState
internal import Gateway
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore
internal import Registry

/// What every order about a model needs: its form, the store that takes it, and the wait until this replica uses it.
struct ModelOrders: Sendable {
    let ports: FacePorts
    let knowledge: Knowledge
    let reads: ModelReads
    let settings: FaceSettings

    /// What a change's answer says about the change itself.
    struct Settled {
        let epoch: Epoch
        let durability: Durability?

        func added(to answer: JSONValue) -> JSONValue {
            let answer = answer.adding("epoch", .integer(self.epoch.rawValue))
            guard let durability else { return answer }
            return answer.adding("durability", .string(durability.rawValue))
        }
    }

    var commands: any ModelCommands {
        get throws(Problem) {
            guard let commands = self.ports.models else {
                throw Problem(.storeUnavailable, "this replica takes no orders about models", retryAfter: 1)
            }
            return commands
        }
    }

    /// The body, an empty object when there is none.
    func form(_ call: Call) async throws -> JSONValue {
        let body = try await call.body(bytesMax: self.settings.formBytesMax)
        return body.readableBytes > 0 ? try ServiceBody.json(body) : [:]
    }

    /// Waits until this replica uses the change.
    func settle(_ reply: ModelReply, _ type: ModelType, canForce: Bool = false) async throws(Problem) -> Settled {
        let settled: Settled
        switch reply {
        case .changed(let change): settled = Settled(epoch: change.epoch, durability: change.durability)
        case .same(let same): settled = Settled(epoch: same, durability: nil)
        case .refused(let refusal): throw Problem(refusal, of: type, canForce: canForce)
        }
        _ = await self.ports.snapshots.waitForEpoch(settled.epoch, within: self.settings.epochWaitMax)
        return settled
    }

    func answer(_ type: ModelType, _ settled: Settled, status: HTTPResponse.Status = .ok) throws -> Response {
        let snapshot = try self.knowledge.snapshot()
        let model = snapshot.models[type].map { self.reads.json(type, $0, snapshot) } ?? [:]
        let headers: HTTPFields = status == .accepted ? [.location: "/models/\(type)"] : [:]
        return .json(settled.added(to: model), status: status, headers: headers)
    }
}
