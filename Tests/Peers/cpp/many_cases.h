// Cases of many calls, and those for a server that is odd or wrong.
#pragma once

#include <future>
#include <thread>
#include <vector>

#include "core_cases.h"

// As one iteration of the soak cases, and no longer than they allow.
void soak_once(Stub& stub, std::chrono::milliseconds limit) {
  const auto start = std::chrono::steady_clock::now();
  large_unary(stub);
  expect("whether the call took longer than it may",
         std::chrono::steady_clock::now() - start > limit, false);
}

constexpr int kSoakIterations = 10;

// A thread each: libgrpc's other interface would be another program.
void large_unary_at_once(Stub& stub, int count) {
  std::vector<std::future<void>> calls;
  for (int call = 0; call < count; call++) {
    calls.push_back(std::async(std::launch::async, [&stub] { large_unary(stub); }));
  }
  // All are waited for before the first failure is told.
  for (auto& call : calls) call.wait();
  for (auto& call : calls) call.get();
}

void goaway(Stub& stub) {
  large_unary(stub);
  // The case asks for a second: the GOAWAY may come behind the response.
  std::this_thread::sleep_for(std::chrono::seconds(1));
  large_unary(stub);
}

void expect_failure(Stub& stub) {
  auto context = make_context();
  testing::SimpleResponse response;
  Status status = stub.UnaryCall(context.get(), large_request(), &response);
  expect("whether the call succeeded", status.ok(), false);
  expect("whether it hung", status.error_code() == StatusCode::DEADLINE_EXCEEDED, false);
}

void max_streams(Stub& stub) {
  // Lets the server's SETTINGS arrive.
  large_unary(stub);
  large_unary_at_once(stub, 10);
}
