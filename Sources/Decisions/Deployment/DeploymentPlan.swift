public import Registry

/// Which services are asked next, over all deployments under way: one after another, a bounded number at a time, so that
/// a version that breaks its service does not break all of them at once, and loading does not starve serving.
public enum DeploymentPlan {
    /// One service to bring one version to.
    public struct Step: Hashable, Sendable {
        public var type: ModelType
        public var version: ModelVersion
        public var service: ServiceID

        public init(type: ModelType, version: ModelVersion, service: ServiceID) {
            self.type = type
            self.version = version
            self.service = service
        }
    }

    public static let stepsPerDeploymentMax = 2
    public static let stepsMax = 8

    /// What to begin beside what is under way. A service is asked for one thing at a time.
    public static func steps(of models: [ModelType: Model], beside underWay: Set<Step> = []) -> [Step] {
        var (steps, busy) = ([Step](), Set(underWay.map(\.service)))
        for (type, model) in models.sorted(by: { $0.key < $1.key }) {
            for (version, deployment) in model.pointers.deployments.sorted(by: { $0.key < $1.key }) {
                let left = deployment.services.filter { deployment.outcomes[$0] == nil && !busy.contains($0) }
                let running = underWay.count { $0.type == type && $0.version == version }
                for service in left.prefix(max(0, self.stepsPerDeploymentMax - running))
                where steps.count + underWay.count < self.stepsMax {
                    busy.insert(service)
                    steps.append(Step(type: type, version: version, service: service))
                }
            }
        }
        return steps
    }
}
