import Foundation
import Testing

import InteropCases
import InteropProtos
import SwiftProtobuf
import Tern

/// What `grpc.testing.TestService` promises beyond the cases of the matrix.
@Suite("Interop service", .timeLimit(.minutes(1)))
struct TestServiceTests {
  typealias Parameters = Grpc_Testing_ResponseParameters
  typealias OutputRequest = Grpc_Testing_StreamingOutputCallRequest

  private func withStub<Result>(
    _ service: TestService = TestService(), credentials: ServerCredentials = .insecure,
    channel: ChannelCredentials = .insecure,
    _ body: (Grpc_Testing_TestService.Client) async throws -> Result
  ) async throws -> Result {
    try await withServer([service], credentials: credentials) { port in
      let channel = try GRPCChannel("localhost:\(port)", credentials: channel)
      defer { channel.close() }
      return try await body(Grpc_Testing_TestService.Client(channel))
    }
  }

  @Test("Each server has a name of its own, and keeps it")
  func serverID() async throws {
    var names: [String] = []
    for _ in 0..<2 {
      try await withStub { stub in
        for _ in 0..<2 {
          names.append(try await stub.unaryCall(.with { $0.fillServerID = true }).serverID)
        }
        let without = try await stub.unaryCall(.init())
        #expect(without.serverID.isEmpty)
      }
    }
    #expect(names[0] == names[1] && names[2] == names[3])
    #expect(Set(names).count == 2 && !names.contains(""))
  }

  @Test("A client with a certificate is told its name")
  func username() async throws {
    let server = try TernTLS.server(clientCA: "ca.crt")
    let client = try TernTLS.channel(identity: "client")
    try await withStub(credentials: server, channel: client) { stub in
      let response = try await stub.unaryCall(.with { $0.fillUsername = true })
      #expect(response.username == "spiffe://tern.test/client")
    }
    try await withStub { stub in
      let response = try await stub.unaryCall(.with { $0.fillUsername = true })
      #expect(response.username == "")
    }
  }

  @Test("A client is told its own address, with the fields of newer messages")
  func peerAddress() async throws {
    try await withStub { stub in
      let wish = Tern_Interop_NewerResponseParameters.with {
        $0.fillPeerSocketAddress.value = true
      }
      var parameters = Parameters.with { $0.size = 3 }
      try parameters.merge(serializedBytes: wish.serializedData())
      let request = OutputRequest.with { $0.responseParameters = [parameters, .init()] }

      let responses = try await stub.streamingOutputCall(request).collected()

      #expect(responses.map(\.payload.body.count) == [3, 0])
      let addresses = try responses.map {
        try Tern_Interop_NewerStreamingOutputCallResponse(
          serializedBytes: $0.unknownFields.data
        ).peerSocketAddress
      }
      #expect(addresses[0].hasPrefix("127.0.0.1:") || addresses[0].hasPrefix("[::1]:"))
      #expect(addresses[1] == "")
    }
  }

  @Test("Half duplex answers when all requests are there, in their order")
  func halfDuplex() async throws {
    try await withStub { stub in
      let requests = [[1, 2], [], [3]].map { sizes in
        OutputRequest.with { request in
          request.responseParameters = sizes.map { size in .with { $0.size = size } }
        }
      }
      let responses = try await stub.halfDuplexCall(requests).collected()
      #expect(responses.map(\.payload.body.count) == [1, 2, 3])
    }
  }

  @Test("Half duplex notes so many responses and no more")
  func halfDuplexLimit() async throws {
    var service = TestService()
    service.maxNotedResponses = 2
    try await withStub(service) { stub in
      let request = OutputRequest.with { $0.responseParameters = [.init(), .init()] }
      let responses = try await stub.halfDuplexCall([request]).collected()
      #expect(responses.count == 2)
      await expectError(.resourceExhausted) {
        _ = try await stub.halfDuplexCall([request, request]).collected()
      }
    }
  }

  @Test("A payload may have so many bytes and no more, and not less than none")
  func payloadLimit() async throws {
    var service = TestService()
    service.maxPayloadBytes = 100
    try await withStub(service) { stub in
      let response = try await stub.unaryCall(.with { $0.responseSize = 100 })
      #expect(response.payload.body.count == 100)
      await expectError(.resourceExhausted) {
        _ = try await stub.unaryCall(.with { $0.responseSize = 101 })
      }
      for bytes in [-1, Int32.min] {
        await expectError(.invalidArgument) {
          _ = try await stub.unaryCall(.with { $0.responseSize = bytes })
        }
        await expectError(.invalidArgument) {
          let parameters = Parameters.with { $0.size = bytes }
          let request = OutputRequest.with { $0.responseParameters = [parameters] }
          _ = try await stub.fullDuplexCall([request]).collected()
        }
      }
    }
  }

  @Test("A status that is none is refused; OK lets the call go on")
  func wrongStatus() async throws {
    try await withStub { stub in
      for code in [Int32(-1), 17, .max, .min] {
        await expectError(.invalidArgument) {
          _ = try await stub.unaryCall(.with { $0.responseStatus.code = code })
        }
      }
      let response = try await stub.unaryCall(
        .with {
          $0.responseStatus.code = 0
          $0.responseSize = 1
        })
      #expect(response.payload.body.count == 1)
    }
  }

  @Test("An interval is waited for, and a call that is given up meanwhile ends")
  func interval() async throws {
    try await withStub { stub in
      // Half an hour: whoever waits for it does not get to the end of this test.
      let parameters = Parameters.with { $0.intervalUs = .max }
      let request = OutputRequest.with { $0.responseParameters = [.init(), parameters] }
      var count = 0
      await expectError(.deadlineExceeded) {
        let options = CallOptions(timeout: .milliseconds(500))
        for try await _ in stub.streamingOutputCall(request, options: options) { count += 1 }
      }
      // None if the machine is so busy that the call never began.
      #expect(count <= 1)
    }
  }
}
