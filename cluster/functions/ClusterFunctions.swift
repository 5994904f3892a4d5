/// The Redis Functions of this directory as they are embedded in the binary: plain Lua, in the order of loading.
///
/// A person loads the same text by hand, from this directory:
/// `cat library.lua lease.lua session.lua permit.lua ticket.lua breaker.lua health.lua service.lua model.lua
/// traffic.lua served.lua registry.lua job.lua discovery.lua evaluation.lua recording.lua | redis-cli -x FUNCTION LOAD`.
public enum ClusterFunctions {
    /// The library's name in its first two lines; the loader adds a hash of the content.
    public static let libraryName = "modelmanager"

    /// Each file sees the locals of those before it.
    public static let parts: [[UInt8]] = [
        PackageResources.library_lua,
        PackageResources.lease_lua,
        PackageResources.session_lua,
        PackageResources.permit_lua,
        PackageResources.ticket_lua,
        PackageResources.breaker_lua,
        PackageResources.health_lua,
        PackageResources.service_lua,
        PackageResources.model_lua,
        PackageResources.traffic_lua,
        PackageResources.served_lua,
        PackageResources.registry_lua,
        PackageResources.job_lua,
        PackageResources.discovery_lua,
        PackageResources.evaluation_lua,
        PackageResources.recording_lua,
    ]
}
