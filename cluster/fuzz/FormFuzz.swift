/// JSON of registrations and the services file: never crash; what is read is written back the same; the form of a
/// service comes back as it went in.
func fuzzOne(_ bytes: UnsafeRawBufferPointer) {
    guard let value = try? JSONValue.parse(Array(bytes)) else { return }
    for pretty in [false, true] {
        let again = try? JSONValue.parse(value.serialized(pretty: pretty))
        expect(again == value, "what was written reads otherwise")
    }
    _ = try? ServicePatch.read(value)
    guard let definition = try? ServiceForm.read(value, id: nil) else { return }
    let again = try? ServiceForm.read(.object(ServiceForm.json(definition)), id: nil)
    expect(again == definition, "the form of a service reads otherwise")
}
