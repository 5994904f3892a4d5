import ManagerTesting
import RedisClient
import Testing

/// Versions, aliases, switches and splits as any client of the functions sees them.
@Suite struct `The model functions` {
    @Test func `leave the version registered first the latest until somebody switches`() async throws {
        try await FunctionBench.run { bench in
            try await bench.offer("v1", "v2")
            #expect(try await bench.toldOnSwitching(to: "v2", expected: "v2") == ["unexpected", "v1"])
            let switched = try await bench.toldOnSwitching(to: "v2", expected: "v1")
            #expect(switched[0] == "changed")
            #expect(try await bench.model("latest") == "v2")
            #expect(try await bench.model("history") == "v1")
            #expect(try await bench.toldOnSwitching(to: "v2") == ["same", switched[1]])
        }
    }

    @Test func `refuse a version that nobody offers, or that drains, unless forced`() async throws {
        try await FunctionBench.run { bench in
            #expect(try await bench.toldOnSwitching(to: "v1") == ["absent"])
            try await bench.offer("v1", "v2")
            #expect(try await bench.toldOnSwitching(to: "v9", force: true) == ["unknown", "v9"])
            try await bench.call("service_drain", "s-v2", "0", "true", "t")
            #expect(try await bench.toldOnSwitching(to: "v2") == ["not_ready", "draining", "v2"])
            #expect(try await bench.toldOnSwitching(to: "v2", force: true)[0] == "changed")
        }
    }

    @Test func `go back one switch at a time`() async throws {
        try await FunctionBench.run { bench in
            try await bench.offer("v1", "v2", "v3")
            #expect(try await bench.toldOnRollingBack() == ["no_history"])
            for version in ["v2", "v3"] { _ = try await bench.toldOnSwitching(to: version) }
            for version in ["v2", "v1"] {
                #expect(try await bench.toldOnRollingBack()[0] == "changed")
                #expect(try await bench.model("latest") == version)
            }
            #expect(try await bench.toldOnRollingBack() == ["no_history"])
        }
    }

    @Test func `chain each change into the log, with the whole record`() async throws {
        try await FunctionBench.run { bench in
            try await bench.offer("v1", "v2")
            let before = try await bench.meta("epoch")
            let reply = try await bench.toldOnSwitching(to: "v2")
            #expect(reply[2] == before)
            #expect(try await bench.meta("epoch") == reply[1])
            let entries = try await bench.send("XREVRANGE", bench.prefix + "log", "+", "-", "COUNT", "1").array ?? []
            let entry = texts(entries[0].array?[1].array ?? [])
            #expect(entry[0...7] == ["op", "model", "id", "LSTM", "prev", before, "stamp", reply[1]])
            let (count, sum) = (try await bench.meta("count"), try await bench.meta("sum"))
            #expect(try await bench.told("registry_recount") == [count, sum], "the digest counts the model")
        }
    }

    @Test func `point aliases at versions, and never at themselves or by a version's name`() async throws {
        try await FunctionBench.run { bench in
            try await bench.offer("v1", "v2")
            #expect(try await bench.told("model_alias", "LSTM", "0", "t", "stable", "v1")[0] == "changed")
            #expect(try await bench.told("model_alias", "LSTM", "0", "t", "stable", "v1")[0] == "same")
            #expect(try await bench.told("model_alias", "LSTM", "0", "t", "v2", "v1") == ["is_version"])
            #expect(try await bench.told("model_alias", "LSTM", "0", "t", "stable", "v9") == ["unknown", "v9"])
            #expect(try await bench.told("model_alias", "LSTM", "0", "t", "other", "") == ["no_alias"])
            #expect(try await bench.told("model_alias", "LSTM", "0", "t", "stable", "")[0] == "changed")
            #expect(try await bench.model("alias:stable") == "")
        }
    }

    @Test func `do not retire what is in use, and say by what`() async throws {
        try await FunctionBench.run { bench in
            try await bench.offer("v1", "v2", "v3", "v4", "v5")
            try await bench.call("model_traffic", "LSTM", "0", "t", "v1=90,v2=10", "")
            try await bench.call("model_alias", "LSTM", "0", "t", "candidate", "v3")
            let expected = [
                ("v1", "latest", "serving"), ("v2", "traffic", "serving"), ("v3", "alias candidate", "ready"),
            ]
            for (version, user, state) in expected {
                let told = try await bench.told("model_retire", "LSTM", "0", "t", version, "9")
                #expect(told == ["in_use", user, state])
            }
            #expect(try await bench.told("model_retire", "LSTM", "0", "t", "v4", "9")[0] == "changed")
            #expect(try await bench.told("model_retire", "LSTM", "0", "t", "v4", "9")[0] == "same")
            #expect(try await bench.toldOnSwitching(to: "v4") == ["not_ready", "draining", "v4"])
            #expect(try await bench.toldOnMarking("v4", "draining", "retired")[0] == "changed")
            #expect(try await bench.toldOnMarking("v4", "draining", "retired") == ["unexpected", "retired"])
            #expect(try await bench.toldOnSwitching(to: "v4", force: true)[0] == "changed", "force revives it")
            #expect(try await bench.model("state:v4") == "")
        }
    }

    @Test func `bring a version to services, which is loading until the last of them was asked`() async throws {
        try await FunctionBench.run { bench in
            try await bench.offer("v1")
            #expect(try await bench.toldOnDeploying("v2", "s-v1", "b")[0] == "changed")
            #expect(try await bench.toldOnDeploying("v2", "s-v1", "b")[0] == "same")
            #expect(try await bench.toldOnDeploying("v2", "b") == ["not_deployable", "loading"])
            #expect(try await bench.toldOnSwitching(to: "v2") == ["not_ready", "loading", "v2"])
            #expect(try await bench.told("model_retire", "LSTM", "0", "t", "v2", "9") == ["not_retirable", "loading"])
            #expect(try await bench.toldOnNoting("v2", ["s-v1", "b"], at: "s-v1", "loaded")[0] == "changed")
            #expect(try await bench.toldOnNoting("v2", ["s-v1", "b"], at: "s-v1", "failed") == ["stale"])
            #expect(try await bench.toldOnNoting("v2", ["b"], at: "b", "failed") == ["stale"], "another order")
            #expect(try await bench.model("state:v2") == "loading")
            #expect(try await bench.toldOnNoting("v2", ["s-v1", "b"], at: "b", "skipped", "cannot")[0] == "changed")
            #expect(try await bench.model("state:v2") == "")
            #expect(try await bench.model("hosts:v2") == "s-v1")
            #expect(try await bench.model("deployed:v2") == "s-v1=loaded;b=skipped cannot")
            #expect(try await bench.toldOnSwitching(to: "v2")[0] == "changed", "the service offers it")
            #expect(try await bench.toldOnDeploying("v2", "b")[0] == "changed")
            #expect(try await bench.model("state:v2") == "", "it serves on while it is brought to more")
        }
    }

    @Test func `keep what a version was made of, until it is retired`() async throws {
        try await FunctionBench.run { bench in
            try await bench.offer("v1")
            func told(_ artifact: String) async throws -> [String] {
                let order = #"{"services":["s-v1"]\#(artifact.isEmpty ? "" : #","artifact":"\#(artifact)""#)}"#
                let told = try await bench.told("model_deploy", "LSTM", "0", "t", "v2", order)
                guard told[0] == "changed" else { return told }
                let noted = ["7", "LSTM", "0", "t", "v2", order, "s-v1", "loaded", ""]
                return [told[0], try await bench.call("deployment_note", noted)[0].string ?? ""]
            }
            for artifact in ["a", "a", ""] { #expect(try await told(artifact) == ["changed", "changed"]) }
            _ = try await told("a")
            #expect(try await told("b") == ["other_artifact", "a"])
            try await bench.call("model_retire", "LSTM", "0", "t", "v2", "9")
            _ = try await bench.toldOnMarking("v2", "draining", "retired")
            #expect(try await told("b") == ["changed", "changed"])
        }
    }

    @Test func `call a version failed that no service took, and let nobody but the leader say so`() async throws {
        try await FunctionBench.run { bench in
            try await bench.offer("v1")
            let both = ["s-v1", "b"]
            try await bench.call("model_deploy", "LSTM", "0", "t", "v2", bench.order(both))
            #expect(try await bench.toldOnNoting("v2", both, at: "b", "failed", "why", term: "7")[0] == "changed")
            #expect(try await bench.toldOnNoting("v2", both, at: "s-v1", "loaded", term: "6") == ["fenced"])
            #expect(try await bench.toldOnNoting("v2", both, at: "s-v1", "skipped", term: "7")[0] == "changed")
            #expect(try await bench.model("state:v2") == "failed")
            #expect(try await bench.toldOnSwitching(to: "v2") == ["not_ready", "failed", "v2"])
            #expect(try await bench.toldOnDeploying("v2", "s-v1")[0] == "changed", "another try")
            #expect(try await bench.model("state:v2") == "loading")
        }
    }

    @Test func `keep a retired version retired when a service is registered with it again`() async throws {
        try await FunctionBench.run { bench in
            try await bench.offer("v1", "v2")
            try await bench.call("model_retire", "LSTM", "0", "t", "v2", "9")
            _ = try await bench.toldOnMarking("v2", "draining", "retired")
            try await bench.offer("v2")
            #expect(try await bench.toldOnSwitching(to: "v2") == ["not_ready", "retired", "v2"])
        }
    }

    @Test func `let no canary replace a split that was set by hand, unless it is forced`() async throws {
        try await FunctionBench.run { bench in
            try await bench.offer("v1", "v2", "v3")
            #expect(try await bench.told("model_traffic", "LSTM", "0", "t", "v1=70,v3=30", "")[0] == "changed")
            #expect(try await bench.toldOnSwitching(to: "v2", steps: "1,100") == ["split", "v1=70,v3=30"])
            #expect(try await bench.model("split") == "v1=70,v3=30")
            #expect(try await bench.model("rollout:state") == "", "nothing began")
            #expect(try await bench.toldOnSwitching(to: "v2", force: true, steps: "1,100")[0] == "changed")
            #expect(try await bench.model("split") == "v1=99,v2=1")
            // The shares of a canary that was undone are none that somebody set.
            _ = try await bench.call("model_rollback", "LSTM", "0", "t", "", "0")
            #expect(try await bench.toldOnSwitching(to: "v2", steps: "1,100")[0] == "changed")
            #expect(try await bench.toldOnSwitching(to: "v1")[0] == "changed")
            #expect(try await bench.told("model_traffic", "LSTM", "0", "t", "v1=70,v3=30", "")[0] == "changed")
            #expect(try await bench.toldOnSwitching(to: "v2")[0] == "changed", "at once it ends the split")
            #expect(try await bench.model("split") == "")
        }
    }

    @Test func `carry a canary on step by step, for the leader of the term alone`() async throws {
        try await FunctionBench.run { bench in
            try await bench.offer("v1", "v2")
            #expect(try await bench.toldOnSwitching(to: "v2", steps: "1,50,100")[0] == "changed")
            #expect(try await bench.model("split") == "v1=99,v2=1")
            #expect(try await bench.model("latest") == "", "a canary leaves the latest where it is")
            #expect(try await bench.toldOnSwitching(to: "v2", steps: "100") == ["rolling", "v2"])
            #expect(try await bench.told("model_traffic", "LSTM", "0", "t", "") == ["rolling", "v2"])
            #expect(try await bench.toldOnStep(7, 1, "running", "advance")[0] == "changed")
            #expect(try await bench.model("split") == "v1=50,v2=50")
            #expect(try await bench.toldOnStep(6, 2, "running", "advance") == ["fenced"])
            #expect(try await bench.toldOnStep(7, 1, "running", "advance") == ["stale"])
            #expect(try await bench.toldOnStep(8, 2, "running", "advance")[0] == "changed")
            #expect(try await bench.model("split") == "v2=100")
            #expect(try await bench.toldOnStep(8, 3, "running", "settle")[0] == "changed")
            #expect(try await bench.model("latest") == "v2")
            #expect(try await bench.model("split") == "")
            #expect(try await bench.toldOnStep(8, 3, "settling", "done")[0] == "changed")
            #expect(try await bench.model("rollout:state") == "succeeded")
        }
    }

    @Test func `undo a canary by order, by the leader, and by another switch`() async throws {
        try await FunctionBench.run { bench in
            try await bench.offer("v1", "v2", "v3")
            _ = try await bench.toldOnSwitching(to: "v2", steps: "10,100")
            #expect(try await bench.toldOnRollingBack()[0] == "changed")
            #expect(try await bench.model("rollout:state") == "rolled_back")
            #expect(try await bench.model("split") == "")
            _ = try await bench.toldOnSwitching(to: "v2", steps: "10,100")
            #expect(try await bench.toldOnStep(1, 1, "running", "undo")[0] == "changed")
            #expect(try await bench.model("rollout:reason") == "numbers")
            _ = try await bench.toldOnSwitching(to: "v2", steps: "10,100")
            _ = try await bench.toldOnSwitching(to: "v3")
            #expect(try await bench.model("rollout:state") == "superseded")
            #expect(try await bench.model("latest") == "v3")
            #expect(try await bench.toldOnStep(1, 1, "running", "advance") == ["stale"])
        }
    }

    @Test func `tell the events who switched what, and by which numbers`() async throws {
        try await FunctionBench.run { bench in
            try await bench.offer("v1", "v2")
            _ = try await bench.toldOnSwitching(to: "v2", steps: "10,100")
            _ = try await bench.toldOnStep(1, 1, "running", "undo")
            let events = try await bench.send("XRANGE", bench.prefix + "events", "-", "+").array ?? []
            let lines = events.map { texts($0.array?[1].array ?? []) }.map { "\($0[1]) \($0[3]) \($0[5]) \($0[9])" }
            #expect(lines.suffix(2) == ["t rollout_began LSTM v1 to v2 by 10,100", "t rolled_back LSTM v2 numbers"])
        }
    }
}

extension FunctionBench {
    /// Registers a service for each version of LSTM.
    fileprivate func offer(_ versions: String...) async throws {
        for version in versions {
            _ = try await self.call(
                "service_register",
                ["s-\(version)", "0", "", "t", "model_type", "LSTM", "model_version", version]
            )
        }
    }

    fileprivate func toldOnSwitching(
        to version: String,
        expected: String = "",
        force: Bool = false,
        steps: String = ""
    ) async throws -> [String] {
        try await self.told(
            "model_switch",
            "LSTM",
            "0",
            "t",
            version,
            expected,
            force ? "1" : "0",
            steps,
            "1000",
            "0.02",
            ""
        )
    }

    fileprivate func toldOnRollingBack() async throws -> [String] {
        try await self.told("model_rollback", "LSTM", "0", "t", "", "0")
    }

    fileprivate func toldOnMarking(_ version: String, _ from: String, _ to: String) async throws -> [String] {
        try await self.told("model_mark", "0", "LSTM", "0", "t", version, from, to, "")
    }

    fileprivate func toldOnStep(_ term: Int, _ step: Int, _ state: String, _ outcome: String) async throws -> [String] {
        try await self.told("rollout_step", "\(term)", "LSTM", "0", "t", "\(step)", state, outcome, "numbers")
    }

    fileprivate func order(_ services: [String]) -> String {
        #"{"services":[\#(services.map { "\"\($0)\"" }.joined(separator: ","))]}"#
    }

    fileprivate func toldOnDeploying(_ version: String, _ services: String...) async throws -> [String] {
        try await self.told("model_deploy", "LSTM", "0", "t", version, self.order(services))
    }

    fileprivate func toldOnNoting(
        _ version: String,
        _ services: [String],
        at service: String,
        _ outcome: String,
        _ reason: String = "",
        term: String = "0"
    ) async throws -> [String] {
        let order = self.order(services)
        return try await self.told("deployment_note", term, "LSTM", "0", "t", version, order, service, outcome, reason)
    }

    fileprivate func model(_ field: String) async throws -> String {
        try await self.send("HGET", self.prefix + "model:LSTM", field).string ?? ""
    }
}
