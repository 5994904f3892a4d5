import ArgumentParser
import Logging

/// Where the service registers itself.
struct RegistrationOptions: ParsableArguments {
    @Option(help: "URL of a Model Manager to register with.")
    var registerWith: String?

    @Option(help: "The id to register under; without it, the name.")
    var serviceId: String?

    @Option(help: "Register with a lease of so many seconds and keep renewing it.")
    var lease: Int?

    @Option(help: "Requests in flight that the manager may send at most; 0 for no limit.")
    var maxConcurrentRequests: Int?

    func registration(of service: ServiceConfiguration, logger: Logger) throws -> Registration? {
        guard let registerWith else {
            guard self.serviceId == nil, self.lease == nil else {
                throw ValidationError("--service-id and --lease go along with --register-with")
            }
            return nil
        }
        guard let manager = ManagerAddress(registerWith) else {
            throw ValidationError("--register-with '\(registerWith)': not a URL like http://127.0.0.1:8008")
        }
        if let lease, !(1...86_400).contains(lease) { throw ValidationError("--lease \(lease): 1 to 86400 seconds") }
        let entry = RegistrationEntry(
            serviceId: self.serviceId ?? service.name,
            modelType: service.modelType,
            modelVersion: service.versions[0],
            capabilities: service.capabilities,
            lease: self.lease,
            maxConcurrentRequests: self.maxConcurrentRequests
        )
        return Registration(entry: entry, manager: manager, logger: logger)
    }
}
