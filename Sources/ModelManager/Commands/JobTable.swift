import ArgumentParser
import Foundation
import Registry

/// How jobs are shown, and how what describes one is read.
enum JobTable {
    static func show(_ jobs: [JSONValue], _ output: OutputOptions, isOne: Bool = false) {
        guard output.output == .table else {
            return print((isOne ? jobs.first ?? .null : JSONValue.array(jobs)).serialized(pretty: true))
        }
        let columns = [
            "job_id", "status", "model_type", "model_version", "progress", "service_id", "runner", "created_at",
            "error",
        ]
        let headings = ["JOB", "STATUS", "MODEL", "VERSION", "PROGRESS", "SERVICE", "RUNNER", "CREATED", "ERROR"]
        print(TablePrinter.render(headings, jobs.map { job in columns.map(job.shown) }))
    }

    static func hasEnded(_ job: JSONValue) -> Bool {
        !["queued", "running"].contains(job.shown("status"))
    }

    /// JSON, or with `@` before it the name of a file that holds it.
    static func json(_ text: String, of name: String) throws -> JSONValue {
        var bytes = Array(text.utf8)
        if text.hasPrefix("@") {
            guard let data = FileManager.default.contents(atPath: String(text.dropFirst())) else {
                throw ValidationError("--\(name): cannot read \(text.dropFirst())")
            }
            bytes = Array(data)
        }
        do throws(JSONProblem) {
            return try JSONValue.parse(bytes)
        } catch {
            throw ValidationError("--\(name) is not JSON: \(error)")
        }
    }
}
