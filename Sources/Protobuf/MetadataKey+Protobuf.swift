public import SwiftProtobuf
public import TernCore

extension MetadataKey where Value: SwiftProtobuf.Message {
  /// Messages of Protobuf, in their binary form. `name` has to end in `-bin`.
  ///
  /// ```swift
  /// extension MetadataKey where Value == Tenant {
  ///   static var tenant: Self { Self("tenant-bin") }
  /// }
  /// ```
  public init(_ name: String) {
    self.init(
      name, encode: { try $0.serializedBytes() }, decode: { try Value(serializedBytes: $0) })
  }
}
