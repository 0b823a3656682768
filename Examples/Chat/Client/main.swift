internal import ExampleProtos
internal import ExampleSupport
internal import Tern

let arguments = ClientArguments(target: "localhost:50054")

let channel = try GRPCChannel(
  arguments.target, credentials: arguments.credentials, options: arguments.options)
let chat = Chat_ChatService.Client(channel)

let messages: [Chat_ChatRequest] = ["Hello", "How are you?", "Goodbye"].map { text in
  .with { $0.message = text }
}
for try await answer in chat.chat(messages) {
  print("Received: \(answer.message)")
}
