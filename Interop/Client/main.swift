// The client of gRPC's interoperability tests. Ends with 0 if the server did in each case what it has
// to, with 1 if not, with 2 if the command line is wrong. See Docs/Interop.md.

internal import Glibc
internal import InteropCases
internal import InteropFlags

let flags = Program.flags(ClientFlags.all)
let cases: [TestCase]
let setup: CaseSetup
do throws(Flags.Problem) {
  cases = try ClientFlags.cases(flags)
  setup = try ClientFlags.setup(flags)
} catch {
  Program.refuse(error)
}

var failed = 0
for testCase in cases {
  do {
    try await testCase.run(setup)
    Program.say("\(testCase.rawValue): passed")
  } catch {
    failed += 1
    Program.say("\(testCase.rawValue): \(error)")
  }
}
exit(failed == 0 ? 0 : 1)
