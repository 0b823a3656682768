/// Makes a value for each key when somebody asks for it first, and keeps it.
actor Memo<Key: Hashable & Sendable, Value: Sendable> {
  private let make: @Sendable (Key) async throws -> Value
  private var values: [Key: Task<Value, any Error>] = [:]

  init(_ make: @escaping @Sendable (Key) async throws -> Value) { self.make = make }

  subscript(key: Key) -> Value {
    get async throws {
      let (known, make) = (values[key], make)
      let task = known ?? Task { try await make(key) }
      values[key] = task
      return try await task.value
    }
  }
}
