import ExampleProtos
import Testing

import Tern

extension InteropCase {
  /// With generated code and Protobuf messages: the services that the examples show.
  static let exampleCases = [
    InteropCase("greeter") { echo in
      let greeter = Greet_Greeter.Client(echo.channel)
      let reply = try await greeter.sayHello(.with { $0.name = "wörld" })
      #expect(reply.message == "Hello, wörld!")
    },
    InteropCase("numbers") { echo in
      let numbers = NumberStream_NumberService.Client(echo.channel)
      let responses = try await numbers.getNumbers(.with { $0.limit = 5 }).collected()
      #expect(responses.map(\.number) == [0, 1, 2, 3, 4])
    },
    InteropCase("sums") { echo in
      let sums = SumStream_SumService.Client(echo.channel)
      let total = try await sums.calculateSum((1...5).map { n in .with { $0.number = n } })
      #expect(total.sum == 15)
    },
    InteropCase("chat") { echo in
      let chat = Chat_ChatService.Client(echo.channel)
      let requests: [Chat_ChatRequest] = ["Hello", "☺"].map { text in .with { $0.message = text } }
      let answers = try await chat.chat(requests).collected()
      #expect(answers.map(\.message) == ["You said: Hello", "You said: ☺"])
    },
  ]
}
