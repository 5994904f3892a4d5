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

    /// Without `access` nobody must show who he is.
    public init(
        ports: FacePorts,
        identity: ReplicaIdentity,
        settings: FaceSettings = FaceSettings(),
        access: AccessGuard? = nil,
        logger: Logger
    ) {
        self.settings = settings
        let counts = RouteCounts()
        self.responder = FaceResponder(
            table: Self.table(ports, identity, settings, counts, access),
            ports: ports,
            identity: identity,
            counts: counts,
            epochWaitMax: settings.epochWaitMax,
            access: access,
            logger: logger
        )
    }

    static func table(
        _ ports: FacePorts,
        _ identity: ReplicaIdentity,
        _ settings: FaceSettings,
        _ counts: RouteCounts = RouteCounts(),
        _ access: AccessGuard? = nil
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
            Metrics(ports: ports, identity: identity, routes: counts, access: access)
        )
        routes += AccessRoutes.routes(access, ports.clocks)
        let pages = PageRoutes.routes(document: .null)
        let document = OpenAPIDocument.json(routes + pages, version: identity.version, authenticates: access != nil)
        return RouteTable(routes + PageRoutes.routes(document: document))
    }
}
