// Runs one case of gRPC's interoperability tests. Exits with 0 if the server did what the case
// expects; otherwise says what was expected and seen.
//
// Source: https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md

#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "grpc/testing/test.grpc.pb.h"
#include "options.h"
#include "was_compressed.h"

namespace {

using grpc::ClientContext;
using grpc::Status;
using grpc::StatusCode;
namespace testing = grpc::testing;
using Stub = testing::TestService::Stub;

constexpr int kRequestBytes = 271828;
constexpr int kResponseBytes = 314159;
// So long a call may take. Only one that hangs gets there.
constexpr std::chrono::seconds kLimit(60);

template <typename Value>
void expect(const std::string& what, const Value& seen, const Value& wanted) {
  if (seen == wanted) return;
  std::ostringstream text;
  text << what << ": expected " << wanted << ", saw " << seen;
  throw std::runtime_error(text.str());
}

void expect_status(const std::string& what, const Status& status, StatusCode code) {
  if (status.error_code() == code) return;
  std::ostringstream text;
  text << what << ": expected status " << code << ", saw " << status.error_code() << ": "
       << status.error_message();
  throw std::runtime_error(text.str());
}

std::unique_ptr<ClientContext> make_context(bool compresses = false) {
  auto context = std::make_unique<ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + kLimit);
  context->set_compression_algorithm(compresses ? GRPC_COMPRESS_GZIP : GRPC_COMPRESS_NONE);
  return context;
}

testing::SimpleRequest large_request() {
  testing::SimpleRequest request;
  request.set_response_size(kResponseBytes);
  request.mutable_payload()->set_body(std::string(kRequestBytes, '\0'));
  return request;
}

void expect_large_response(const testing::SimpleResponse& response) {
  expect("the body", response.payload().body() == std::string(kResponseBytes, '\0'), true);
}

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

const std::map<std::string, std::function<void(Stub&)>> kCases = {
    {"empty_unary", empty_unary},
    {"large_unary", large_unary},
    {"client_compressed_unary", client_compressed_unary},
    {"server_compressed_unary", server_compressed_unary},
    {"client_compressed_streaming", client_compressed_streaming},
    {"server_compressed_streaming", server_compressed_streaming},
};

std::shared_ptr<grpc::Channel> connect(const Options& options) {
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (options.is_true("use_tls")) {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = options.file("ca");
    credentials = grpc::SslCredentials(tls);
  }
  grpc::ChannelArguments arguments;
  const std::string name = options.text("server_host_override");
  if (!name.empty()) arguments.SetSslTargetNameOverride(name);
  const std::string target =
      options.text("server_host", "127.0.0.1") + ":" + options.text("server_port");
  return grpc::CreateCustomChannel(target, credentials, arguments);
}

}  // namespace

int main(int count, char** arguments) {
  Options options(
      count, arguments,
      {"server_host", "server_port", "server_host_override", "test_case", "use_tls", "ca"});
  const std::string name = options.text("test_case");
  auto found = kCases.find(name);
  if (found == kCases.end()) {
    std::cerr << "--test_case: there is no '" << name << "', but:";
    for (const auto& known : kCases) std::cerr << " " << known.first;
    std::cerr << std::endl;
    return 2;
  }
  auto stub = testing::TestService::NewStub(connect(options));
  try {
    found->second(*stub);
  } catch (const std::runtime_error& problem) {
    std::cout << name << ": " << problem.what() << std::endl;
    return 1;
  }
  std::cout << name << ": passed" << std::endl;
}
