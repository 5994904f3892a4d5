import ControlLoops
import Foundation

/// The services file at the start: where it is, and the settings in it.
///
/// A file that was named and is missing, or a broken one, stops the start: nobody should find out later that a replica
/// runs without its services.
struct ServicesFileSettings {
    static let defaultPath = "services.json"

    var path: String?
    var settings: [String: String] = [:]

    init(options: [String: String], environment: [String: String]) throws(ConfigurationError) {
        let named = options["SERVICES_CONFIG"] ?? environment["SERVICES_CONFIG"]
        let path = named ?? Self.defaultPath
        guard named != nil || FileManager.default.fileExists(atPath: path) else { return }
        do throws(ServicesFileProblem) {
            self.settings = try ServicesFile.read(atPath: path).settings
            self.path = path
        } catch {
            throw ConfigurationError(variable: "SERVICES_CONFIG", value: path, allowed: "\(error)")
        }
    }
}
