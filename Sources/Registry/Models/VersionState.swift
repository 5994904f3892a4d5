/// Where a version of a model stands in its life.
public enum VersionState: String, Hashable, Sendable, CaseIterable {
    /// Known by name, and no service offers it. Can move to `loading`, `ready`, `draining`.
    case registered
    /// Services are asked to load it. Can move to `ready`, `failed`.
    case loading
    /// Services offer it; it takes the requests that name it. Can move to `serving`, `draining`.
    case ready
    /// It takes requests that name no version: it is the latest, or has a share. Can move to `ready`.
    case serving
    /// It takes no new requests; those it has are waited for. Can move to `retired`.
    case draining
    /// It is gone, and a service that still offers it changes nothing. Only a forced switch brings it back.
    case retired
    /// It could not be loaded, or all of its services are down. Can move to `loading`, `ready`.
    case failed
}
