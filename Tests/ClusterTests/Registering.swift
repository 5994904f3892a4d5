import ManagerTesting

extension PlainClient {
    /// Registers as a service does: again after a 503 that says when, for a disk busy with others' work can keep Redis
    /// from answering in time, and an unanswered change may or may not have been made. False when it was refused, or when
    /// twenty seconds did not help.
    func registers(_ form: String) async throws -> Bool {
        try await eventually(within: .seconds(20)) {
            let answer = try await self.post("/services/register", form)
            guard answer.status == 503, answer.headers["retry-after"] != nil else {
                return answer.status == 201 || answer.status == 200
            }
            return false
        }
    }
}
