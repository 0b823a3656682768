// What a run of the client is asked for, and what it keeps count of.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <string>
#include <vector>

#include <grpcpp/grpcpp.h>

#include "bench.grpc.pb.h"

using Clock = std::chrono::steady_clock;

// Without destructors: gRPC's threads are still at work on the other calls.
[[noreturn]] inline void fail(const std::string& reason) {
  // Never unlocked: where one connection carries all calls, the others fail with the first.
  static std::mutex first;
  first.lock();
  std::cerr << "cpp-client: " << reason << std::endl;
  std::_Exit(1);
}

inline void check(const grpc::Status& status) {
  if (!status.ok()) {
    fail("status " + std::to_string(status.error_code()) + ": " + status.error_message());
  }
}

// Waits until all workers are done, each of which ends on a thread of gRPC's.
class Countdown {
 public:
  explicit Countdown(size_t count) : left_(count) {}

  void done() {
    // Notifies with the lock held: the waiter may end this object as soon as it can go on.
    std::lock_guard<std::mutex> guard(lock_);
    if (--left_ == 0) zero_.notify_all();
  }

  void wait() {
    std::unique_lock<std::mutex> guard(lock_);
    zero_.wait(guard, [this] { return left_ == 0; });
  }

 private:
  std::mutex lock_;
  std::condition_variable zero_;
  size_t left_;
};

// `operations` of one kind, and the workers that share them.
struct Load {
  Load(bench::Echo::Stub& stub, int64_t operations, size_t bytes, size_t workers)
      : stub(stub), bytes(bytes), unary_left(operations), running(workers),
        microseconds(static_cast<size_t>(operations)) {
    chunk.set_body(std::string(bytes, 'x'));
  }

  bench::Echo::Stub& stub;
  const size_t bytes;
  bench::Chunk chunk;
  std::atomic<int64_t> unary_left;
  Countdown running;
  // What the single operations took, as far as they have an end of their own.
  std::vector<double> microseconds;
  std::atomic<size_t> timed{0};
};

class Worker {
 public:
  explicit Worker(Load& load) : load_(load) {}
  virtual ~Worker() = default;
  virtual void start() = 0;

 protected:
  void begin_operation() { begin_ = Clock::now(); }

  void end_operation() {
    const std::chrono::duration<double, std::micro> took = Clock::now() - begin_;
    load_.microseconds[load_.timed++] = took.count();
  }

  void check_length(const bench::Chunk& answer) const {
    if (answer.body().size() == load_.bytes) return;
    fail("an answer of " + std::to_string(answer.body().size()) + " bytes instead of " +
         std::to_string(load_.bytes));
  }

  Load& load_;

 private:
  Clock::time_point begin_;
};
