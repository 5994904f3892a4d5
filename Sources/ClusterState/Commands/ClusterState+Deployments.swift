public import Registry

/// Deployments: bringing versions of models to services.
extension ClusterState {
    /// Orders the version to be brought to the services; the leader carries it out.
    public func deployVersion(
        _ version: ModelVersion,
        of type: ModelType,
        _ order: Deployment,
        floor: Epoch,
        by actor: String? = nil
    ) async throws(StateError) -> ModelReply {
        try await self.changeModel(
            "model_deploy",
            type,
            [type.text, floor.description, actor ?? self.actor, version.text, order.order.serialized()]
        )
    }

    /// Writes down that the service has the version, because it said so.
    public func offerVersion(
        _ version: ModelVersion,
        of type: ModelType,
        at service: ServiceID,
        floor: Epoch,
        by actor: String? = nil
    ) async throws(StateError) -> ModelReply {
        try await self.changeModel(
            "model_offer",
            type,
            [type.text, floor.description, actor ?? self.actor, version.text, service.text]
        )
    }

    /// Writes down what became of the order at one service.
    public func noteDeployment(
        of version: ModelVersion,
        type: ModelType,
        order: Deployment,
        at service: ServiceID,
        _ outcome: Deployment.Outcome,
        term: Term,
        floor: Epoch,
        by actor: String? = nil
    ) async throws(StateError) -> ModelReply {
        try await self.changeModel(
            "deployment_note",
            type,
            [
                term.description, type.text, floor.description, actor ?? self.actor, version.text,
                order.order.serialized(), service.text, outcome.name, DeploymentFields.reason(outcome),
            ]
        )
    }
}
