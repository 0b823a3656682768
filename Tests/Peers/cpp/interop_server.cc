// The service of gRPC's interoperability tests, as far as the cases need it.
//
// Prints `Listening on HOST:PORT` when it is ready, and ends when its standard input does: so it
// cannot outlive the tests that started it.

#include <chrono>
#include <iostream>
#include <memory>
#include <string>
#include <thread>

#include <grpcpp/grpcpp.h>

#include "grpc/testing/test.grpc.pb.h"
#include "options.h"
#include "was_compressed.h"

namespace {

using grpc::ServerContext;
using grpc::Status;
using grpc::StatusCode;
namespace testing = grpc::testing;

const Status kWrongCompression(StatusCode::INVALID_ARGUMENT,
                               "the request is not compressed as it expects to be");

template <typename Request>
bool is_compressed_as_expected(ServerContext* context, const Request& request) {
  return !request.has_expect_compressed() ||
         request.expect_compressed().value() == was_compressed(context);
}

void echo_metadata(ServerContext* context) {
  const auto& metadata = context->client_metadata();
  auto text = [](grpc::string_ref value) { return std::string(value.data(), value.length()); };
  auto initial = metadata.find("x-grpc-test-echo-initial");
  if (initial != metadata.end()) {
    context->AddInitialMetadata("x-grpc-test-echo-initial", text(initial->second));
  }
  auto trailing = metadata.find("x-grpc-test-echo-trailing-bin");
  if (trailing != metadata.end()) {
    context->AddTrailingMetadata("x-grpc-test-echo-trailing-bin", text(trailing->second));
  }
}

Status status_of(const testing::EchoStatus& status) {
  return Status(static_cast<StatusCode>(status.code()), status.message());
}

// Returns whether the client still listens.
template <typename Writer>
bool send(const testing::StreamingOutputCallRequest& request, Writer* responses) {
  for (const auto& parameters : request.response_parameters()) {
    std::this_thread::sleep_for(std::chrono::microseconds(parameters.interval_us()));
    testing::StreamingOutputCallResponse response;
    response.mutable_payload()->set_body(std::string(parameters.size(), '\0'));
    grpc::WriteOptions options;
    if (!parameters.compressed().value()) options.set_no_compression();
    if (!responses->Write(response, options)) return false;
  }
  return true;
}

class TestService : public testing::TestService::Service {
  Status EmptyCall(ServerContext*, const testing::Empty*, testing::Empty*) override {
    return Status::OK;
  }

  Status UnaryCall(ServerContext* context, const testing::SimpleRequest* request,
                   testing::SimpleResponse* response) override {
    if (!is_compressed_as_expected(context, *request)) return kWrongCompression;
    echo_metadata(context);
    if (request->has_response_status()) return status_of(request->response_status());
    if (request->has_response_compressed()) {
      context->set_compression_level(request->response_compressed().value()
                                         ? GRPC_COMPRESS_LEVEL_HIGH
                                         : GRPC_COMPRESS_LEVEL_NONE);
    }
    response->mutable_payload()->set_body(std::string(request->response_size(), '\0'));
    return Status::OK;
  }

  Status StreamingInputCall(ServerContext* context,
                            grpc::ServerReader<testing::StreamingInputCallRequest>* requests,
                            testing::StreamingInputCallResponse* response) override {
    testing::StreamingInputCallRequest request;
    size_t bytes = 0;
    while (requests->Read(&request)) {
      if (!is_compressed_as_expected(context, request)) return kWrongCompression;
      bytes += request.payload().body().size();
    }
    response->set_aggregated_payload_size(static_cast<int32_t>(bytes));
    return Status::OK;
  }

  Status StreamingOutputCall(
      ServerContext* context, const testing::StreamingOutputCallRequest* request,
      grpc::ServerWriter<testing::StreamingOutputCallResponse>* responses) override {
    // The level goes with the head, before the first message; a message may then opt out.
    for (const auto& parameters : request->response_parameters()) {
      if (parameters.compressed().value()) context->set_compression_level(GRPC_COMPRESS_LEVEL_HIGH);
    }
    send(*request, responses);
    return Status::OK;
  }

  Status FullDuplexCall(
      ServerContext* context,
      grpc::ServerReaderWriter<testing::StreamingOutputCallResponse,
                               testing::StreamingOutputCallRequest>* call) override {
    echo_metadata(context);
    testing::StreamingOutputCallRequest request;
    while (call->Read(&request)) {
      if (request.has_response_status()) return status_of(request.response_status());
      if (!send(request, call)) break;
    }
    return Status::OK;
  }
};

std::shared_ptr<grpc::ServerCredentials> credentials(const Options& options) {
  if (!options.is_true("use_tls")) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions tls;
  tls.pem_key_cert_pairs.push_back({options.file("key"), options.file("cert")});
  return grpc::SslServerCredentials(tls);
}

}  // namespace

int main(int count, char** arguments) {
  Options options(count, arguments, {"port", "use_tls", "cert", "key"});
  TestService service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.RegisterService(&service);
  builder.AddListeningPort("127.0.0.1:" + options.text("port", "0"), credentials(options), &port);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (!server || port == 0) {
    std::cerr << "cannot listen" << std::endl;
    return 1;
  }
  std::cout << "Listening on 127.0.0.1:" << port << std::endl;
  for (std::string line; std::getline(std::cin, line);) {
  }
  server->Shutdown(std::chrono::system_clock::now());
}
