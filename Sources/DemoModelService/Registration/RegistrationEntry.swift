/// What the service tells a manager about itself, in the form of `POST /services/register`.
struct RegistrationEntry: Sendable, Equatable, Encodable {
    let serviceId: String
    let modelType: String
    let modelVersion: String
    let capabilities: [String]
    let lease: Int?
    let maxConcurrentRequests: Int?
    /// Known once the service listens.
    var serviceUrl = ""
}
