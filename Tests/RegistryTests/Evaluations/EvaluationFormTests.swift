import Registry
import Testing

/// What may be asked of an offline test, and what is refused and why.
@Suite struct `An evaluation form` {
    private static let inline = #""dataset":{"inline":[{"data":[1],"expected":2}]}"#

    @Test func `reads everything there is`() throws {
        let text = """
            {"dataset":{"service":"db","query":{"path":"/d"},"window":12},"metric":"rmse","baseline":"stable",
             "threshold":0.5,"field":"y","validator":"judge","timeout":7}
            """
        let form = try EvaluationForm.read(JSONValue.parse(text))
        guard case .service(let source, .window(12)) = form.dataset else {
            Issue.record("\(form.dataset)")
            return
        }
        #expect(source.service == ServiceID("db") && source.query == .http(path: "/d", params: []))
        #expect(form.metric == .rmse && form.baseline == ModelVersion("stable") && form.threshold == 0.5)
        #expect(form.field == "y" && form.validator == ServiceID("judge") && form.timeout == .seconds(7))
        #expect(!form.promotes)
    }

    @Test func `holds a version against the latest unless it is told otherwise`() throws {
        let plain = try EvaluationForm.read(JSONValue.parse("{\(Self.inline),\"metric\":\"mae\"}"))
        #expect(plain.rival == .latest)
        let bound = try EvaluationForm.read(JSONValue.parse("{\(Self.inline),\"metric\":\"mae\",\"threshold\":1}"))
        #expect(bound.rival == nil)
        #expect(plain.dataset == .inline([EvaluationSample(data: [1], expected: 2)]))
    }

    @Test func `promotes only for a training job`() throws {
        let value = try JSONValue.parse("{\(Self.inline),\"metric\":\"mae\",\"promote\":true}")
        #expect(try EvaluationForm.read(value, mayPromote: true).promotes)
        #expect(throws: FormProblems.self) { try EvaluationForm.read(value) }
    }

    @Test(arguments: [
        (#"{"metric":"mae"}"#, "body.dataset: is required"),
        ("{\(inline)}", "body.metric: is required"),
        ("{\(inline),\"metric\":\"r2\"}", "body.metric: must be one of"),
        ("{\(inline),\"metric\":\"mae\",\"threshold\":-1}", "body.threshold: must be between"),
        (#"{"metric":"mae","dataset":{"inline":[]}}"#, "body.dataset.inline: must be a list of 1 to 1000 samples"),
        (#"{"metric":"mae","dataset":{"inline":[{"data":1}]}}"#, "body.dataset.inline.0: must be an object"),
        (#"{"metric":"mae","dataset":{"service":"d","query":{"path":"/d"}}}"#, "body.dataset.window: either window"),
        (
            #"{"metric":"mae","dataset":{"service":"d","query":{"path":"/d"},"window":2,"expected":"y"}}"#,
            "body.dataset.window: either window"
        ),
        (#"{"metric":"mae","dataset":{"service":"d","window":2}}"#, "body.dataset.query: is required"),
        (#"{"metric":"mae","dataset":{"recording":{"limit":0}}}"#, "body.dataset.recording.limit: must be at least 1"),
        (#"{"metric":"mae","dataset":{"recording":{"last":9}}}"#, "body.dataset.recording.last"),
    ]) func `refuses what makes no sense, and says where`(text: String, why: String) throws {
        let problems = #expect(throws: FormProblems.self) { try EvaluationForm.read(JSONValue.parse(text)) }
        #expect(problems?.description.contains(why) == true, "\(problems?.description ?? "")")
    }

    @Test func `is checked in the validation block of a training job`() throws {
        let value = try JSONValue.parse(#"{"model_type":"LSTM","validation":{"metric":"mae"}}"#)
        let problems = #expect(throws: FormProblems.self) { try TrainingRequest.read(value) }
        #expect(problems?.description == "body.validation.dataset: is required")
    }
}
