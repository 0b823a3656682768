package import TernCore

/// The algorithms that one side can decode.
package final class CompressionRegistry: Sendable {
  private let algorithms: [CompressionAlgorithm]
  // Spec: W44 (compression: grpc-accept-encoding)
  /// The value of `grpc-accept-encoding`.
  package let acceptedEncodings: String

  /// - Parameter algorithms: Of two with the same name the first one counts. Identity need not be
  ///   among them: nobody can refuse it.
  package init(_ algorithms: [CompressionAlgorithm]) {
    var known: [CompressionAlgorithm] = []
    for algorithm in algorithms where !algorithm.isIdentity {
      if !known.contains(where: { $0.name == algorithm.name }) { known.append(algorithm) }
    }
    self.algorithms = known
    acceptedEncodings = (["identity"] + known.map(\.name)).joined(separator: ",")
  }

  package func hasExactly(_ others: [CompressionAlgorithm]) -> Bool {
    algorithms.count == others.count && zip(algorithms, others).allSatisfy { $0.isSame(as: $1) }
  }

  /// - Returns: `nil` for identity as well: no message is compressed with it.
  package func algorithm(named name: String?) -> CompressionAlgorithm? {
    algorithms.first { $0.name == name }
  }
}
