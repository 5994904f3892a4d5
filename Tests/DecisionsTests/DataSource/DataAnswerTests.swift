import Decisions
import ManagerTesting
import Registry
import Testing

@Suite struct `The data of a data service` {
    private func influx1(_ text: String) throws -> String {
        try InfluxDB1Answer.read(Array(text.utf8)).json.serialized()
    }
    private func influx2(_ text: String) throws -> String {
        try InfluxDB2Answer.read(Array(text.utf8)).json.serialized()
    }

    private func plain(_ text: String, type: String = "application/json") throws -> String {
        try PlainAnswer.read(Array(text.utf8), contentType: type).json.serialized()
    }

    private func fault(_ read: () throws -> String) -> String {
        do {
            return "read: \(try read())"
        } catch {
            return "\(error)"
        }
    }

    @Test func `of InfluxDB 1 is a list when there is one value, in as many chunks as it comes`() throws {
        let first =
            #"{"results":[{"statement_id":0,"series":[{"name":"s","columns":["time","value"],"values":[[1,0.5],[2,null]],"partial":true}],"partial":true}]}"#
        let last =
            #"{"results":[{"statement_id":0,"series":[{"name":"s","columns":["time","value"],"values":[[3,7]]}]}]}"#
        #expect(try self.influx1(first + "\n" + last + "\n") == "[0.5,null,7]")
        #expect(self.fault { try self.influx1(first) } == "the answer was cut short by the server's max-row-limit")
    }

    @Test func `of InfluxDB 1 keeps tags and several values as columns`() throws {
        let text =
            #"{"results":[{"statement_id":0,"series":[{"name":"s","tags":{"room":"a"},"columns":["time","x","y"],"values":[[1,2,3]]},{"name":"s","tags":{"room":"b"},"columns":["time","x","y"],"values":[[1,4,5]]}]}]}"#
        #expect(try self.influx1(text) == #"{"columns":["room","time","x","y"],"rows":[["a",1,2,3],["b",1,4,5]]}"#)
    }

    @Test(arguments: [
        (#"{"results":[{"statement_id":0}]}"#, "read: []"),
        (
            #"{"results":[{"statement_id":0,"error":"database not found: nodb"}]}"#,
            "InfluxDB says: database not found: nodb"
        ),
        (#"{"error":"unable to parse query"}"#, "InfluxDB says: unable to parse query"),
        (
            #"{"results":[{"statement_id":0},{"statement_id":1}]}"#,
            "the query has several statements: only one can give the data"
        ),
        ("{}", "the answer has no results"), ("", "the answer is empty"),
        ("x", "the answer is not JSON: line 1, column 1: \"x\" stands where a value is expected"),
        (
            #"{"results":[{"series":[{"columns":["a","b"],"values":[[1]]}]}]}"#,
            "a row has another number of cells than there are columns"
        ),
    ]) func `of InfluxDB 1 has its errors inside good answers`(text: String, told: String) {
        #expect(self.fault { try self.influx1(text) } == told)
    }

    @Test func `of InfluxDB 2 is annotated CSV`() throws {
        let head =
            "#datatype,string,long,dateTime:RFC3339,double,string\r\n#group,false,false,false,false,true\r\n#default,_result,,,,\r\n"
        let names = ",result,table,_time,_value,_field\r\n"
        let one = head + names + ",,0,2024-01-01T00:00:00Z,0.5,v\r\n,,0,2024-01-01T00:00:01Z,,v\r\n\r\n"
        #expect(try self.influx2(one) == "[0.5,null]")
        #expect(try self.influx2(one + head + names + ",,1,2024-01-01T00:00:02Z,7,v\r\n") == "[0.5,null,7.0]")
        #expect(try self.influx2("") == "[]")
    }

    @Test func `of InfluxDB 2 may be an error that came late, or of many types`() throws {
        let error = "#datatype,string,string\n#group,true,true\n#default,,\n,error,reference\n,query terminated,897\n"
        #expect(self.fault { try self.influx2(error) } == "InfluxDB says: query terminated")
        let typed =
            "#datatype,string,long,long,boolean,string,unsignedLong\n,result,table,a,b,c,d\n,,0,5,true,\"x,\"\"y\"\"\",9\n"
        #expect(try self.influx2(typed) == #"{"columns":["a","b","c","d"],"rows":[[5,true,"x,\"y\"",9]]}"#)
        #expect(self.fault { try self.influx2(",a\n,1,2\n") }.contains("a row has 3 cells"))
    }

    @Test(arguments: [
        ("[1,2.5,null]", "[1,2.5,null]"), (#"{"data":[1,2],"time":[5,6]}"#, "[1,2]"),
        (#"[{"time":1,"v":5},{"time":2}]"#, "[5,null]"),
        (#"[[1,2],[3,4]]"#, #"{"columns":["c1","c2"],"rows":[[1,2],[3,4]]}"#),
        (#"{"columns":["time","v"],"rows":[[1,2]]}"#, "[2]"), ("[]", "[]"),
    ]) func `of plain JSON has many shapes`(text: String, data: String) throws {
        #expect(try self.plain(text) == data)
    }

    @Test(arguments: [
        ("5", "the answer is a number, not a list or an object"), ("[1,[2]]", "the answer mixes values and rows"),
        ("[[1],[2,3]]", "row 2 has another number of cells than there are columns"),
        (#"[{"a":1},{"b":2}]"#, "an object of the list has members that the first one has not"),
        (#"{"x":1}"#, #"the answer has neither "data" nor "columns" and "rows""#),
        (
            "<html>",
            "the answer is neither CSV by its content type nor JSON: line 1, column 1: \"<\" stands where a value is expected"
        ),
    ]) func `of another shape is refused`(text: String, told: String) {
        let fault = self.fault { try self.plain(text) }
        #expect(fault == told || fault.hasPrefix("the answer is ") && told.hasPrefix("the answer is "), "\(fault)")
    }

    @Test(arguments: [
        ("1\n2\n3\n", "[1,2,3]"), ("value\n1.5\n\n-2e3\n", "[1.5,-2000.0]"),
        ("time,v\r\n1,x\r\n2,\r\n", #"["x",null]"#),
        ("\u{FEFF}\"a\",b\n\"1\n2\",3", #"{"columns":["a","b"],"rows":[["1\n2",3]]}"#), ("", "[]"),
    ]) func `of CSV is numbers where they are numbers`(text: String, data: String) throws {
        #expect(try self.plain(text, type: "text/csv; charset=utf-8") == data)
    }

    @Test(arguments: ["a\"b", "\"a", "\"a\"b", "a,b\n1", "\"a\"\rb"])
    func `of CSV with stray quotes or cells is refused`(text: String) {
        #expect(!self.fault { try self.plain(text, type: "text/csv") }.hasPrefix("read"))
    }

    @Test func `is asked for by addresses that nothing breaks`() throws {
        let url = try ServiceURL("http://h:8086/influx")
        let one = DataQuestion(.influxdb1(db: "a&b", q: "SELECT \"x\" FROM ü", params: ["n": 1]), at: url)
        #expect(
            one.path
                == "/influx/query?db=a%26b&q=SELECT%20%22x%22%20FROM%20%C3%BC&epoch=ms&chunked=true&chunk_size=10000&params=%7B%22n%22%3A1%7D"
        )
        #expect(one.method == "GET" && one.url(at: url) == "http://h:8086" + one.path)
        let two = DataQuestion(.influxdb2(org: "o", flux: "from()"), at: url)
        #expect(two.method == "POST" && two.path == "/influx/api/v2/query?org=o" && two.url(at: url) == nil)
        #expect(two.body?.contains(#""query":"from()""#) == true)
        #expect(DataQuestion(.http(path: "/d", params: []), at: url).path == "/influx/d")
    }

    @Test(arguments: SeededRandom.runs(3)) func `read from any bytes is data or a fault, never a crash`(
        run: SeededRandom
    ) throws {
        var random = run
        let pieces = [
            ",", "\n", "\r\n", "\"", "\"\"", "#datatype", "long", "double", "{", "}", "[", "]", ":", "\"results\"",
            "\"series\"",
            "\"columns\"", "\"values\"", "1", "-0.5e9", "null", "\u{0}", "é", "time",
            "{\"results\":[{\"series\":[{\"columns\":[\"time\",\"v\"],\"values\":[[1,2]]}]}]}",
        ]
        for _ in 0..<3000 {
            let text = (0..<Int(random.next() % 30)).map { _ in pieces[Int(random.next() % UInt64(pieces.count))] }
                .joined()
            let bytes = Array(text.utf8) + (random.next() % 4 == 0 ? [0xFF, 0xC3] : [])
            for table in [
                try? InfluxDB1Answer.read(bytes), try? InfluxDB2Answer.read(bytes),
                try? PlainAnswer.read(bytes, contentType: "text/csv"), try? PlainAnswer.read(bytes, contentType: ""),
            ] {
                guard let table else { continue }
                #expect(table.rows.allSatisfy { $0.count == table.columns.count }, "\(text)")
            }
        }
    }
}
