internal import ClusterState
internal import Registry

extension Problem {
    /// What a caller is told of an order about a model that the store refused: the present state, and what it allows.
    init(_ refusal: ModelRefusal, of type: ModelType) {
        switch refusal {
        case .absent:
            self.init(.modelNotFound, "there is no model_type \(type)", detail: "GET /models lists those there are")
        case .unknown(let version):
            self.init(
                .versionNotFound,
                "model_type \(type) has no version \(version)",
                detail: "a version comes to be when a service is registered with it"
            )
        case .noAlias: self.init(.versionNotFound, "model_type \(type) has no such alias")
        case .unexpected(let latest):
            self.init(
                .versionConflict,
                "the latest version of \(type) is \(latest), not the one expected",
                detail: "read GET /models/\(type) and decide again"
            )
        case .notReady(let state):
            self.init(
                .versionConflict,
                "the version is \(state)",
                detail: "allowed is a version that is ready or serving; force overlooks the state"
            )
        case .rolling(let version):
            self.init(
                .versionConflict,
                "a canary of version \(version) is running",
                detail: "allowed are a rollback, which undoes it, and a switch without canary, which ends it"
            )
        case .unevaluated(let verdict):
            self.init(
                .versionConflict,
                verdict == "none" ? "the version was never tested" : "the last test of the version was not passed",
                detail: "a passed POST /models/\(type)/versions/…/evaluate is demanded"
            )
        case .noHistory:
            self.init(
                .versionConflict,
                "model_type \(type) was never switched, so there is no version before",
                detail: "allowed is a switch"
            )
        case .isVersion:
            self.init(.versionConflict, "the alias would bear the name of a version", detail: "choose another name")
        case .inUse(let user):
            self.init(
                .versionInUse,
                "the version is in use by \(user)",
                detail: "point \(user) elsewhere first: switch, split the traffic or move the alias"
            )
        case .notDeployable(let state):
            self.init(
                .versionConflict,
                "the version is \(state)",
                detail: "allowed is a deployment of a version that neither loads nor drains"
            )
        case .fenced, .stale: self.init(.versionConflict, "somebody else was faster", detail: "read and decide again")
        }
    }
}
