import Registry
import Testing

@testable import ModelManager

@Suite struct `A table` {
    @Test func `pads its columns and leaves no blanks at line ends`() {
        let text = TablePrinter.render(["A", "LONG", "C"], [["1", "2", ""], ["100", "20000", "x"]])
        #expect(text == "A    LONG   C\n1    2\n100  20000  x")
    }

    @Test func `shows members as people write them`() throws {
        let value = try JSONValue.parse(#"{"s":"text","n":1.5,"b":true,"z":null,"l":["a",2]}"#)
        #expect(["s", "n", "b", "z", "l", "none"].map(value.shown) == ["text", "1.5", "true", "-", "a,2", "-"])
    }
}
