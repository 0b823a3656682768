// How a case calls, and how it says what went wrong.
#pragma once

#include <chrono>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>

#include <grpcpp/grpcpp.h>

#include "grpc/testing/test.grpc.pb.h"

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

inline void expect_status(const std::string& what, const Status& status, StatusCode code) {
  if (status.error_code() == code) return;
  std::ostringstream text;
  text << what << ": expected status " << code << ", saw " << status.error_code() << ": "
       << status.error_message();
  throw std::runtime_error(text.str());
}

inline std::unique_ptr<ClientContext> make_context(bool compresses = false) {
  auto context = std::make_unique<ClientContext>();
  context->set_deadline(std::chrono::system_clock::now() + kLimit);
  context->set_compression_algorithm(compresses ? GRPC_COMPRESS_GZIP : GRPC_COMPRESS_NONE);
  return context;
}

inline testing::SimpleRequest large_request() {
  testing::SimpleRequest request;
  request.set_response_size(kResponseBytes);
  request.mutable_payload()->set_body(std::string(kRequestBytes, '\0'));
  return request;
}

inline void expect_large_response(const testing::SimpleResponse& response) {
  expect("the body", response.payload().body() == std::string(kResponseBytes, '\0'), true);
}
