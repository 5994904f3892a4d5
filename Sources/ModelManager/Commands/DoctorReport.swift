import ClusterState
import Registry

/// What the doctor found, for people and for programs.
enum DoctorReport {
    static func table(_ seen: StoreExamination, _ findings: [StoreFinding]) -> String {
        let prefix = Keys(namespace: seen.namespace).prefix
        let head =
            "\(prefix)* has \(seen.keys.count) keys, \(seen.services.count) services, \(seen.sessions.count) sessions"
        guard !findings.isEmpty else { return "\(head)\nhealthy: nothing found" }
        let rows = findings.map { finding in
            [self.word(finding.severity), finding.code, finding.subject, "\(finding.sentence). \(finding.advice)"]
        }
        return "\(head)\n\(TablePrinter.render(["SEVERITY", "CODE", "SUBJECT", "WHAT, AND WHAT TO DO"], rows))"
    }

    static func json(_ seen: StoreExamination, _ findings: [StoreFinding], isHealthy: Bool) -> JSONValue {
        [
            "healthy": .bool(isHealthy), "namespace": .string(seen.namespace), "keys": .integer(Int64(seen.keys.count)),
            "services": .integer(Int64(seen.services.count)), "sessions": .integer(Int64(seen.sessions.count)),
            "findings": .array(
                findings.map { finding in
                    [
                        "severity": .string(self.word(finding.severity)), "code": .string(finding.code),
                        "subject": .string(finding.subject), "what": .string(finding.sentence),
                        "advice": .string(finding.advice),
                    ]
                }
            ),
        ]
    }

    private static func word(_ severity: StoreFinding.Severity) -> String {
        switch severity {
        case .note: "note"
        case .warning: "warning"
        case .error: "error"
        }
    }
}
