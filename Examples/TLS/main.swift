internal import ExampleProtos
internal import GreeterService
internal import Tern

// TLS: the server shows a certificate, and the client checks that it is the one of the host that it
// wants. `make certs` writes the files; give another folder as the first argument.
let folder = CommandLine.arguments.dropFirst().first ?? "Certs/out"

// The chain begins with the server's own certificate. The files are looked at every few seconds, so
// a renewed certificate is used without a restart.
let server = GRPCServer(services: [Greeter()])
let address = try await server.start(
  on: .tcp("localhost", 0),
  credentials: .tls(
    certificateChain: .file("\(folder)/server-chain.crt"),
    privateKey: .file("\(folder)/server.key")))

// Without `roots`, the client trusts what the machine trusts.
let trusting = try GRPCChannel(
  "localhost:\(address.port ?? 0)", credentials: .tls(roots: .file("\(folder)/ca.crt")))
let reply = try await Greet_Greeter.Client(trusting).sayHello(.with { $0.name = "world" })
print("Over TLS: \(reply.message)")

// Who does not know our authority gets an error that says what is missing.
let doubting = try GRPCChannel("localhost:\(address.port ?? 0)", credentials: .tls())
do {
  _ = try await Greet_Greeter.Client(doubting).sayHello(.with { $0.name = "nobody" })
} catch let error as RPCError {
  print("Without our authority: \(error)")
}

trusting.close()
doubting.close()
await server.shutDown(within: .seconds(1))
