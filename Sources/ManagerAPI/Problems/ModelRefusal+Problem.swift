internal import ClusterState
internal import Registry

extension Problem {
    /// What a caller is told of an order about a model that the store refused: the present state, and what it allows.
    /// An order that can be forced is told so.
    init(_ refusal: ModelRefusal, of type: ModelType, canForce: Bool = false) {
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
        case .notReady(let state, let version):
            self.init(
                .versionConflict,
                "version \(version) is \(state)",
                detail: "allowed is a version that is ready or serving"
                    + (canForce ? "; \"force\": true overlooks the state" : "")
            )
        case .rolling(let version):
            self.init(
                .versionConflict,
                "a canary of version \(version) is running",
                detail: "allowed are a rollback, which undoes it, and a switch without canary, which ends it"
            )
        case .split(let shares):
            self.init(
                .versionConflict,
                "the traffic of \(type) is split by hand: \(shares)",
                detail: "allowed are DELETE /models/\(type)/traffic first, a switch without canary, which ends the "
                    + "split, and \"force\": true, which lets the canary replace it"
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
                "model_type \(type) has no version before: it was never switched, or is back already",
                detail: "allowed is a switch"
            )
        case .isVersion:
            self.init(.versionConflict, "the alias would bear the name of a version", detail: "choose another name")
        case .inUse(let user, let state):
            let use = Self.use(by: user, of: type)
            self.init(.versionInUse, "the version is \(state): \(use.text)", detail: use.allowed)
        case .notRetirable(let state):
            self.init(
                .versionConflict,
                "the version is \(state)",
                detail: "allowed when its deployment has ended; GET /models/\(type)/versions/… shows it"
            )
        case .otherArtifact(let artifact):
            self.init(
                .versionConflict,
                "the version was made of the artifact \(artifact), and versions do not change",
                detail: "allowed are the same artifact, none, or another version; retired, the name can be used again"
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

    /// What holds a version in use, and what would let go of it.
    private static func use(by user: String, of type: ModelType) -> (text: String, allowed: String) {
        let path = "/models/\(type)"
        switch user {
        case "latest":
            return (
                "latest points at it",
                "switch to another version first (POST \(path)/switch); the last one goes with its services"
            )
        case "traffic": return ("it has a share of the traffic", "PUT or DELETE \(path)/traffic first")
        case "shadow": return ("it gets copies of the traffic", "PUT or DELETE \(path)/traffic first")
        case "rollout":
            return ("a canary is under way", "allowed when it has ended; POST \(path)/rollback undoes it at once")
        default:
            let alias = user.split(separator: " ").last.map(String.init) ?? user
            return ("the \(user) points at it", "point \(path)/aliases/\(alias) elsewhere or DELETE it first")
        }
    }
}
