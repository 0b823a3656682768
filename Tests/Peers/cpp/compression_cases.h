// Cases that look at whether messages are compressed.
#pragma once

#include <utility>
#include <vector>

#include "expectations.h"
#include "was_compressed.h"

// Whether the server looks at the flag at all; if not, what follows would prove nothing.
void probe_unary(Stub& stub) {
  auto context = make_context();
  testing::SimpleRequest request = large_request();
  request.mutable_expect_compressed()->set_value(true);
  testing::SimpleResponse response;
  expect_status("plain though it says compressed",
                stub.UnaryCall(context.get(), request, &response), StatusCode::INVALID_ARGUMENT);
}

void client_compressed_unary(Stub& stub) {
  probe_unary(stub);
  for (bool is_compressed : {true, false}) {
    auto context = make_context(is_compressed);
    testing::SimpleRequest request = large_request();
    request.mutable_expect_compressed()->set_value(is_compressed);
    testing::SimpleResponse response;
    expect_status(is_compressed ? "compressed" : "plain",
                  stub.UnaryCall(context.get(), request, &response), StatusCode::OK);
    expect_large_response(response);
  }
}

void server_compressed_unary(Stub& stub) {
  for (bool is_compressed : {true, false}) {
    auto context = make_context();
    testing::SimpleRequest request = large_request();
    request.mutable_response_compressed()->set_value(is_compressed);
    testing::SimpleResponse response;
    expect_status("UnaryCall", stub.UnaryCall(context.get(), request, &response), StatusCode::OK);
    expect("whether the response is compressed", was_compressed(context.get()), is_compressed);
    expect_large_response(response);
  }
}

bool write(grpc::ClientWriter<testing::StreamingInputCallRequest>& requests, size_t bytes,
           bool expects_compressed, bool is_compressed) {
  testing::StreamingInputCallRequest request;
  request.mutable_payload()->set_body(std::string(bytes, '\0'));
  request.mutable_expect_compressed()->set_value(expects_compressed);
  grpc::WriteOptions options;
  if (!is_compressed) options.set_no_compression();
  return requests.Write(request, options);
}

void probe_streaming(Stub& stub) {
  auto context = make_context(true);
  testing::StreamingInputCallResponse response;
  auto requests = stub.StreamingInputCall(context.get(), &response);
  write(*requests, 27182, true, false);
  requests->WritesDone();
  expect_status("plain though it says compressed", requests->Finish(),
                StatusCode::INVALID_ARGUMENT);
}

void client_compressed_streaming(Stub& stub) {
  probe_streaming(stub);
  auto context = make_context(true);
  testing::StreamingInputCallResponse response;
  auto requests = stub.StreamingInputCall(context.get(), &response);
  expect("whether the compressed request is written", write(*requests, 27182, true, true), true);
  expect("whether the plain request is written", write(*requests, 45904, false, false), true);
  requests->WritesDone();
  expect_status("StreamingInputCall", requests->Finish(), StatusCode::OK);
  expect("the size of both", response.aggregated_payload_size(), 73086);
}

void server_compressed_streaming(Stub& stub) {
  const std::vector<std::pair<int, bool>> wanted = {{31415, true}, {92653, false}};
  testing::StreamingOutputCallRequest request;
  for (const auto& [bytes, is_compressed] : wanted) {
    auto* parameters = request.add_response_parameters();
    parameters->set_size(bytes);
    parameters->mutable_compressed()->set_value(is_compressed);
  }
  auto context = make_context();
  auto responses = stub.StreamingOutputCall(context.get(), request);
  testing::StreamingOutputCallResponse response;
  for (const auto& [bytes, is_compressed] : wanted) {
    expect("whether there is a response", responses->Read(&response), true);
    expect("whether it is compressed", was_compressed(context.get()), is_compressed);
    expect("its size", response.payload().body().size(), static_cast<size_t>(bytes));
  }
  expect("whether there is one more", responses->Read(&response), false);
  expect_status("StreamingOutputCall", responses->Finish(), StatusCode::OK);
}
