// Cases of a single call, or of a few.
#pragma once

#include <vector>

#include "expectations.h"

void empty_unary(Stub& stub) {
  auto context = make_context();
  testing::Empty response;
  expect_status("EmptyCall", stub.EmptyCall(context.get(), testing::Empty(), &response),
                StatusCode::OK);
  expect("bytes of the response", response.ByteSizeLong(), size_t{0});
}

void large_unary(Stub& stub) {
  auto context = make_context();
  testing::SimpleResponse response;
  expect_status("UnaryCall", stub.UnaryCall(context.get(), large_request(), &response),
                StatusCode::OK);
  expect_large_response(response);
}

const std::vector<int> kRequestSizes = {27182, 8, 1828, 45904};
const std::vector<int> kResponseSizes = {31415, 9, 2653, 58979};

using DuplexRequest = testing::StreamingOutputCallRequest;
using DuplexResponse = testing::StreamingOutputCallResponse;

DuplexRequest duplex_request(int response_bytes, int bytes) {
  DuplexRequest request;
  request.add_response_parameters()->set_size(response_bytes);
  request.mutable_payload()->set_body(std::string(bytes, '\0'));
  return request;
}

void client_streaming(Stub& stub) {
  auto context = make_context();
  testing::StreamingInputCallResponse response;
  auto requests = stub.StreamingInputCall(context.get(), &response);
  for (int bytes : kRequestSizes) {
    testing::StreamingInputCallRequest request;
    request.mutable_payload()->set_body(std::string(bytes, '\0'));
    expect("whether a request is written", requests->Write(request), true);
  }
  requests->WritesDone();
  expect_status("StreamingInputCall", requests->Finish(), StatusCode::OK);
  expect("the size of all", response.aggregated_payload_size(), 74922);
}

void server_streaming(Stub& stub) {
  DuplexRequest request;
  for (int bytes : kResponseSizes) request.add_response_parameters()->set_size(bytes);
  auto context = make_context();
  auto responses = stub.StreamingOutputCall(context.get(), request);
  DuplexResponse response;
  for (size_t bytes : kResponseSizes) {
    expect("whether there is a response", responses->Read(&response), true);
    expect("its size", response.payload().body().size(), bytes);
  }
  expect("whether there is one more", responses->Read(&response), false);
  expect_status("StreamingOutputCall", responses->Finish(), StatusCode::OK);
}

void ping_pong(Stub& stub) {
  auto context = make_context();
  auto call = stub.FullDuplexCall(context.get());
  DuplexResponse response;
  for (size_t turn = 0; turn < kResponseSizes.size(); turn++) {
    call->Write(duplex_request(kResponseSizes[turn], kRequestSizes[turn]));
    expect("whether there is a response", call->Read(&response), true);
    expect("its size", response.payload().body().size(), size_t(kResponseSizes[turn]));
  }
  call->WritesDone();
  expect("whether there is one more", call->Read(&response), false);
  expect_status("FullDuplexCall", call->Finish(), StatusCode::OK);
}

void empty_stream(Stub& stub) {
  auto context = make_context();
  auto call = stub.FullDuplexCall(context.get());
  call->WritesDone();
  DuplexResponse response;
  expect("whether there is a response", call->Read(&response), false);
  expect_status("FullDuplexCall", call->Finish(), StatusCode::OK);
}

void add_echoed_metadata(ClientContext& context) {
  context.AddMetadata("x-grpc-test-echo-initial", "test_initial_metadata_value");
  context.AddMetadata("x-grpc-test-echo-trailing-bin", "\xab\xab\xab");
}

void expect_echoes(const std::string& what, const ClientContext& context) {
  auto value = [](const auto& fields, const char* name) {
    auto found = fields.find(name);
    return found == fields.end() ? std::string("nothing")
                                 : std::string(found->second.data(), found->second.length());
  };
  expect(what + ", initial metadata",
         value(context.GetServerInitialMetadata(), "x-grpc-test-echo-initial"),
         std::string("test_initial_metadata_value"));
  expect(what + ", trailing metadata",
         value(context.GetServerTrailingMetadata(), "x-grpc-test-echo-trailing-bin"),
         std::string("\xab\xab\xab"));
}

void custom_metadata(Stub& stub) {
  auto unary = make_context();
  add_echoed_metadata(*unary);
  testing::SimpleResponse response;
  expect_status("UnaryCall", stub.UnaryCall(unary.get(), large_request(), &response),
                StatusCode::OK);
  expect_echoes("UnaryCall", *unary);

  auto duplex = make_context();
  add_echoed_metadata(*duplex);
  auto call = stub.FullDuplexCall(duplex.get());
  call->Write(duplex_request(kResponseBytes, kRequestBytes));
  call->WritesDone();
  DuplexResponse answer;
  while (call->Read(&answer)) {
  }
  expect_status("FullDuplexCall", call->Finish(), StatusCode::OK);
  expect_echoes("FullDuplexCall", *duplex);
}

testing::EchoStatus echo_status(const std::string& message) {
  testing::EchoStatus status;
  status.set_code(StatusCode::UNKNOWN);
  status.set_message(message);
  return status;
}

void expect_unary_status(Stub& stub, const std::string& message) {
  auto context = make_context();
  testing::SimpleRequest request;
  *request.mutable_response_status() = echo_status(message);
  testing::SimpleResponse response;
  Status status = stub.UnaryCall(context.get(), request, &response);
  expect_status("UnaryCall", status, StatusCode::UNKNOWN);
  expect("its message", status.error_message(), message);
}

void status_code_and_message(Stub& stub) {
  const std::string message = "test status message";
  expect_unary_status(stub, message);

  auto context = make_context();
  DuplexRequest request;
  *request.mutable_response_status() = echo_status(message);
  auto call = stub.FullDuplexCall(context.get());
  call->Write(request);
  call->WritesDone();
  DuplexResponse response;
  expect("whether there is a response", call->Read(&response), false);
  Status status = call->Finish();
  expect_status("FullDuplexCall", status, StatusCode::UNKNOWN);
  expect("its message", status.error_message(), message);
}

void special_status_message(Stub& stub) {
  expect_unary_status(stub, "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n");
}

void unimplemented_method(Stub& stub) {
  auto context = make_context();
  testing::Empty response;
  expect_status("UnimplementedCall",
                stub.UnimplementedCall(context.get(), testing::Empty(), &response),
                StatusCode::UNIMPLEMENTED);
}

void unimplemented_service(testing::UnimplementedService::Stub& stub) {
  auto context = make_context();
  testing::Empty response;
  expect_status("UnimplementedService",
                stub.UnimplementedCall(context.get(), testing::Empty(), &response),
                StatusCode::UNIMPLEMENTED);
}

void cancel_after_begin(Stub& stub) {
  auto context = make_context();
  testing::StreamingInputCallResponse response;
  auto requests = stub.StreamingInputCall(context.get(), &response);
  context->TryCancel();
  expect_status("StreamingInputCall", requests->Finish(), StatusCode::CANCELLED);
}

void cancel_after_first_response(Stub& stub) {
  auto context = make_context();
  auto call = stub.FullDuplexCall(context.get());
  call->Write(duplex_request(31415, 27182));
  DuplexResponse response;
  expect("whether there is a response", call->Read(&response), true);
  expect("its size", response.payload().body().size(), size_t{31415});
  context->TryCancel();
  expect_status("FullDuplexCall", call->Finish(), StatusCode::CANCELLED);
}

void timeout_on_sleeping_server(Stub& stub) {
  ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + std::chrono::milliseconds(1));
  auto call = stub.FullDuplexCall(&context);
  DuplexRequest request;
  request.mutable_payload()->set_body(std::string(27182, '\0'));
  call->Write(request);
  DuplexResponse response;
  while (call->Read(&response)) {
  }
  expect_status("FullDuplexCall", call->Finish(), StatusCode::DEADLINE_EXCEEDED);
}
