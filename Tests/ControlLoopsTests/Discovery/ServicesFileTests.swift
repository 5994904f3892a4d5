import ControlLoops
import Registry
import Testing

@Suite struct `A services file` {
    static let original = """
        {"services": {"lstm_model": {"service_url": "http://lstm_model:8000", "model_type": "LSTM",
                                     "capabilities": ["training", "prediction"],
                                     "max_concurrent_requests": 5, "timeout": 30}}}
        """

    @Test func `is read in the form of the original`() throws {
        let file = try ServicesFile.parse(Self.original)
        let service = try #require(file.services.first)
        #expect(file.services.count == 1 && file.settings.isEmpty)
        #expect(service.id.text == "lstm_model")
        #expect(service.url.description == "http://lstm_model:8000")
        #expect(service.modelType.text == "LSTM" && service.modelVersion == .unnamed)
        #expect(service.capabilities == ["training", "prediction"])
        #expect(service.concurrentRequestsMax == 5 && service.timeout == .seconds(30))
    }

    @Test func `says the same in YAML`() throws {
        let yaml = """
            # the seed services
            services:
              lstm_model:
                service_url: http://lstm_model:8000
                model_type: LSTM
                capabilities: [training, prediction]
                max_concurrent_requests: 5
                timeout: 30
            """
        #expect(try ServicesFile.parse(yaml) == ServicesFile.parse(Self.original))
    }

    @Test func `lists services by id, and may have none`() throws {
        let yaml = """
            services:
              b: {service_url: "http://b:1", model_type: LSTM}
              a: {service_url: "http://a:1", model_type: LSTM}
            """
        #expect(try ServicesFile.parse(yaml).services.map(\.id.text) == ["a", "b"])
        #expect(try ServicesFile.parse(#"{"services": {}}"#).services.isEmpty)
    }

    @Test func `carries settings as texts`() throws {
        let json = #"{"services": {}, "settings": {"API_PORT": 8009, "LOG_LEVEL": "DEBUG", "RETRY_DELAY": 0.5}}"#
        #expect(
            try ServicesFile.parse(json).settings == ["API_PORT": "8009", "LOG_LEVEL": "DEBUG", "RETRY_DELAY": "0.5"]
        )
        let yaml = "services: {}\nsettings:\n  API_PORT: 8009\n  REDIS_URL: unix:///run/redis.sock\n"
        #expect(try ServicesFile.parse(yaml).settings == ["API_PORT": "8009", "REDIS_URL": "unix:///run/redis.sock"])
    }

    @Test(arguments: [
        ("", 1, 1, "empty"),
        ("# nothing\n", 1, 1, "empty"),
        ("{\"services\": {\n  \"a\": }}", 2, 8, ""),
        ("{\"services\": {}", 1, 16, ""),
        ("{\"services\": {},}", 1, 17, ""),
        ("{\"services\": {}} {}", 1, 18, ""),
        ("[]", 1, 1, "must be an object, not an array"),
        ("{}", 1, 1, "\"services\" is missing"),
        ("{\"services\": []}", 1, 2, "must be an object, not an array"),
        ("{\"services\": {},\n \"servces\": {}}", 2, 2, "unknown field \"servces\""),
        ("{\"services\": {\"a\": {}, \n\"a\": {}}}", 2, 1, "a"),
        ("{\"services\": {\n  \"-a\": {}}}", 2, 3, "must match"),
        ("{\"services\": {\n  \"a\": 5}}", 2, 3, "services.a: must be an object, not an integer"),
        (
            "{\"services\": {\"a\": {\n \"service_url\": \"http://a:1\", \"model_type\": \"L\",\n  \"weight\": 0}}}", 3,
            3,
            "services.a.weight: must be at least 1"
        ),
        (
            "{\"services\": {\"a\": {\n \"service_url\": \"ftp://a\", \"model_type\": \"L\",\n  \"wait\": 0}}}", 2, 2,
            "services.a.service_url: must begin with http:// or https:// (and 1 more)"
        ),
        ("{\"services\": {\n   \"a\": {\"model_type\": \"L\"}}}", 2, 4, "services.a.service_url: is required"),
        ("{\"services\": {}, \"settings\": {\n\"A\": []}}", 2, 1, "settings.A: must be a text or a number"),
        (
            "services:\n  a:\n    service_url: http://a:1\n    model_type: L\n    wait: 5\n", 5, 5,
            "unknown field \"wait\""
        ),
        (
            "services:\n  a:\n    service_url: http://a:1\n    model_type: L\n    model_version: 1.0\n", 5, 5,
            "services.a.model_version: must be a string, not a number"
        ),
        (
            "services:\n  a:\n    service_url: http://a:1\n    model_type: L\n    capabilities:\n      - x\n      - 7\n",
            7, 9,
            "services.a.capabilities.1"
        ),
        ("services:\n  a: {}\n  a: {}\n", 2, 3, "twice"),
        ("services:\n  a: [\n", 3, 1, ""),
        ("services:\n\ta: 1\n", 2, 1, ""),
        ("services: *nobody\n", 1, 11, "undefined alias"),
        ("services: !!map {}\n", 1, 11, "tags"),
        ("services: {}\n---\nservices: {}\n", 2, 1, "another document"),
    ])
    func `is refused as a whole with line and column`(text: String, line: Int, column: Int, words: String) {
        do throws(ServicesFileProblem) {
            let file = try ServicesFile.parse(text)
            Issue.record("read as \(file)")
        } catch {
            #expect(error.line == line && error.column == column, "\(error)")
            #expect(words.isEmpty || error.sentence.contains(words), "\(error)")
            #expect(error.description == "line \(line), column \(column): \(error.sentence)")
        }
    }

    @Test(arguments: [
        String(repeating: "[", count: 100_000),
        "services: " + String(repeating: "[", count: 900) + String(repeating: "]", count: 900),
        "services: " + String(repeating: "{a: ", count: 900) + String(repeating: "}", count: 900),
        "{\"services\": " + String(repeating: "[", count: 100_000),
    ])
    func `may not be nested without end`(text: String) {
        #expect(throws: ServicesFileProblem.self) { try ServicesFile.parse(text) }
    }

    @Test func `may not stand for more than it says`() {
        var yaml = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1...9 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
            yaml += "a\(level): &a\(level) [\(aliases)]\n"
        }
        #expect(throws: ServicesFileProblem.self) { try ServicesFile.parse(yaml) }
    }

    @Test func `may share parts by an alias`() throws {
        let yaml = """
            services:
              a: {service_url: "http://a:1", model_type: LSTM, capabilities: &all [training, prediction]}
              b: {service_url: "http://b:1", model_type: LSTM, capabilities: *all}
            """
        #expect(try ServicesFile.parse(yaml).services.map(\.capabilities.count) == [2, 2])
    }

    @Test(arguments: [
        ("yes", "yes"), ("on", "on"), ("0x10", "0x10"), ("'1'", "1"), ("\"true\"", "true"), ("v1", "v1"),
        ("1.2.3", "1.2.3"), ("!!str 7", "7"), ("2024-01-01", "2024-01-01"), ("1e999", "1e999"),
    ])
    func `reads words as words`(yaml: String, text: String) throws {
        let file = "services:\n  a:\n    service_url: http://a:1\n    model_type: L\n    metadata: {word: \(yaml)}\n"
        #expect(try ServicesFile.parse(file).services.first?.metadata == ["word": text])
    }

    @Test func `is never half read: whatever is cut off is refused or said less`() {
        let bytes = Array(Self.original.utf8)
        for end in 0..<bytes.count {
            #expect(throws: ServicesFileProblem.self) {
                try ServicesFile.parse(String(decoding: bytes[..<end], as: UTF8.self))
            }
        }
    }
}
