internal import Decisions
internal import Registry

/// The body that one member of an aggregate gets: the caller's, byte for byte, but for `model_type`, `model_version`,
/// which name the member, and `aggregate`, which is left out.
enum AggregateBody {
    static func make(
        for target: AggregateOrder.Target,
        from body: UnsafeRawBufferPointer,
        _ found: BodyScan.Found
    ) -> [UInt8] {
        let version = target.version?.text ?? ModelVersion.latest.text
        var edits = [Edit(range: self.wholeMember(found.aggregate, body), text: "")]
        var added: [String] = []
        for (member, name, value) in [
            (found.modelType, "model_type", target.modelType.text), (found.modelVersion, "model_version", version),
        ] {
            if member.kind == .absent {
                added.append("\"\(name)\":\"\(value)\"")
            } else {
                edits.append(Edit(range: member.range, text: member.kind == .string ? value : "\"\(value)\""))
            }
        }
        return self.adding(added, to: self.applying(edits, to: body))
    }

    private struct Edit {
        var range: ByteRange
        var text: String
    }

    private static func applying(_ edits: [Edit], to body: UnsafeRawBufferPointer) -> [UInt8] {
        var (result, place) = ([UInt8](), 0)
        result.reserveCapacity(body.count + 64)
        for edit in edits.sorted(by: { $0.range.offset < $1.range.offset }) {
            result.append(contentsOf: body[place..<edit.range.offset])
            result.append(contentsOf: edit.text.utf8)
            place = edit.range.end
        }
        result.append(contentsOf: body[place...])
        return result
    }

    /// New members go to the front of the object.
    private static func adding(_ members: [String], to body: [UInt8]) -> [UInt8] {
        guard !members.isEmpty, let brace = body.firstIndex(of: UInt8(ascii: "{")) else { return body }
        let rest = body[(brace + 1)...].drop { self.isBlank($0) }
        let comma = rest.first == UInt8(ascii: "}") ? "" : ","
        return Array("{\(members.joined(separator: ","))\(comma)".utf8) + rest
    }

    /// From the quote before the member's name to the end of its value, with one of the commas around it. The body is
    /// valid JSON and the name, however it is written, has no quote inside.
    private static func wholeMember(_ member: BodyScan.Member, _ body: UnsafeRawBufferPointer) -> ByteRange {
        var start = member.kind == .string ? member.range.offset - 1 : member.range.offset
        var end = member.kind == .string ? member.range.end + 1 : member.range.end
        let quote = UInt8(ascii: "\"")
        repeat { start -= 1 } while body[start] != quote
        repeat { start -= 1 } while body[start] != quote
        var after = end
        while self.isBlank(body[after]) { after += 1 }
        if body[after] == UInt8(ascii: ",") {
            end = after + 1
        } else {
            var before = start - 1
            while self.isBlank(body[before]) { before -= 1 }
            if body[before] == UInt8(ascii: ",") { start = before }
        }
        return ByteRange(from: start, to: end)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D }
}
