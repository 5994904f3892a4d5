internal import HTTPTypes
internal import Hummingbird
public import Logging
internal import Registry

/// The HTTP face of a replica: all routes but the fast path of the data plane.
///
/// Give `responder` to a Hummingbird application to test it, or to a `HummingbirdDoor` to serve it behind the data
/// plane's listener.
public struct ManagerFace: Sendable {
    public let responder: FaceResponder
    public let settings: FaceSettings

    public init(ports: FacePorts, identity: ReplicaIdentity, settings: FaceSettings = FaceSettings(), logger: Logger) {
        self.settings = settings
        let counts = RouteCounts()
        self.responder = FaceResponder(
            table: Self.table(ports, identity, settings, counts),
            ports: ports,
            identity: identity,
            counts: counts,
            epochWaitMax: settings.epochWaitMax,
            logger: logger
        )
    }

    static func table(
        _ ports: FacePorts,
        _ identity: ReplicaIdentity,
        _ settings: FaceSettings,
        _ counts: RouteCounts = RouteCounts()
    ) -> RouteTable {
        let knowledge = Knowledge(ports: ports, catchUpMax: settings.epochWaitMax)
        var routes = ServiceRoutes.routes(
            ServiceReads(ports: ports, knowledge: knowledge),
            ServiceWrites(ports: ports, knowledge: knowledge, settings: settings),
            ServiceHealth(ports: ports, knowledge: knowledge)
        )
        let models = ModelReads(knowledge: knowledge)
        let orders = ModelOrders(ports: ports, knowledge: knowledge, reads: models, settings: settings)
        routes += ModelLifeRoutes.routes(models, ModelWrites(orders: orders))
        routes += EvaluationRoutes.routes(EvaluationCalls(orders: orders))
        routes += RecordingRoutes.routes(RecordingCalls(orders: orders))
        let calls = ModelCalls(ports: ports, bodyBytesMax: settings.bodyBytesMax)
        let health = ReplicaHealth(ports: ports, identity: identity, knowledge: knowledge)
        routes += ModelRoutes.routes(models, calls)
        let questions = InferenceQuestions(ports: ports, knowledge: knowledge)
        routes += InferenceRoutes.routes(
            InferenceReads(ports: ports, identity: identity, knowledge: knowledge, questions: questions),
            health,
            InferenceCalls(calls: calls)
        )
        routes += RepositoryRoutes.routes(RepositoryWrites(orders: orders))
        routes += JobRoutes.routes(JobCalls(ports: ports, knowledge: knowledge, settings: settings))
        routes += ReplicaRoutes.routes(health)
        routes += ClusterRoutes.routes(
            ClusterReads(ports: ports, knowledge: knowledge),
            Events(ports: ports),
            Metrics(ports: ports, identity: identity, routes: counts)
        )
        let pages = PageRoutes.routes(document: .null)
        let document = OpenAPIDocument.json(routes + pages, version: identity.version)
        return RouteTable(routes + PageRoutes.routes(document: document))
    }
}
