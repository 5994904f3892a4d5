import Glibc

/// Prints the verdict of `BodyScan` on each body of a file: `1` for a valid object, `0` for anything else.
/// The file holds bodies one after another, each behind its length in four bytes, the lowest first.
@main
struct BodyVerdicts {
    static func main() {
        var bytes: [UInt8] = []
        while let chunk = readChunk() { bytes += chunk }
        bytes.withUnsafeBytes { file in
            var start = 0
            while start + 4 <= file.count {
                let count = Int(UInt32(littleEndian: file.loadUnaligned(fromByteOffset: start, as: UInt32.self)))
                guard count <= file.count - start - 4 else { return }
                let body = UnsafeRawBufferPointer(rebasing: file[start + 4..<start + 4 + count])
                var scan = BodyScan()
                let isValid = if case .ok = scan.scan(body, isComplete: true) { true } else { false }
                print(isValid ? "1" : "0")
                start += 4 + count
            }
        }
    }

    private static func readChunk() -> [UInt8]? {
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(0, &chunk, chunk.count)
        return count > 0 ? Array(chunk[..<count]) : nil
    }
}
