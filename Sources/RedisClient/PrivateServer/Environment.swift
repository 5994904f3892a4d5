import Glibc

/// The process' environment, for the one thing this module looks up there: where programs lie.
public enum Environment {
    public static func value(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }
}
