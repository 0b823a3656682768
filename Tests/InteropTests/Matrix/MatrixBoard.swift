import Foundation
import InteropCases

/// Gathers what became of the cells, and prints the matrix when it is whole.
final class MatrixBoard: @unchecked Sendable {
  // `@unchecked Sendable` because the lock guards the one field.
  private let lock = NSLock()
  private var hasPassed: [MatrixCell: Bool] = [:]

  static let shared = MatrixBoard()

  /// Runs a cell, and notes what becomes of it.
  func note(_ cell: MatrixCell, _ run: () async throws -> Void) async throws {
    let result: Result<Void, any Error>
    do {
      result = .success(try await run())
    } catch {
      result = .failure(error)
    }
    let passed = if case .success = result { true } else { false }
    let table: String? = lock.withLock {
      hasPassed[cell] = passed
      return hasPassed.count == MatrixCell.all.count ? Self.table(hasPassed) : nil
    }
    if let table { print(table) }
    try result.get()
  }

  /// A line for each case: of servers as they should be, then of the hostile one.
  private static func table(_ hasPassed: [MatrixCell: Bool]) -> String {
    let usual = MatrixCell.columns.filter { $0.server != .hostile }
    let hostile = MatrixCell.columns.filter { $0.server == .hostile }
    let passed = hasPassed.count { $0.value }
    return "\ngRPC's interoperability cases\n"
      + table(usual, TestCase.all(.core) + TestCase.all(.load), hasPassed)
      + table(hostile, TestCase.all(.hostile), hasPassed)
      + "interop matrix: \(passed) of \(hasPassed.count) cells pass\n"
  }

  private static func table(
    _ columns: [MatrixCell.Column], _ cases: [TestCase], _ hasPassed: [MatrixCell: Bool]
  ) -> String {
    var lines = columns.enumerated().map { "  \($0.offset + 1): \($0.element.name)" }
    func line(_ name: String, _ fields: [String]) -> String {
      ([name.padding(toLength: 28, withPad: " ", startingAt: 0)]
        + fields.map { $0.padding(toLength: 4, withPad: " ", startingAt: 0) }).joined(
          separator: " ")
    }
    lines.append(line("", columns.indices.map { "\($0 + 1)" }))
    for testCase in cases {
      lines.append(
        line(
          testCase.rawValue,
          columns.map { column in
            switch hasPassed[MatrixCell(testCase: testCase, column: column)] {
            case true?: "ok"
            case false?: "FAIL"
            case nil: "–"
            }
          }))
    }
    let counts = columns.map { column in
      "\(hasPassed.count { $0.key.column == column && $0.value })"
    }
    lines.append(line("passed", counts))
    return lines.map { $0 + "\n" }.joined()
  }
}
