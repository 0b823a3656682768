// The four modes of the client. Each worker does what it does next in the callback of what it did
// before, so that `at once` of them are under way without a thread of their own.
#pragma once

#include <atomic>
#include <optional>

#include "load.h"

class UnaryWorker : public Worker {
 public:
  using Worker::Worker;

  void start() override {
    if (load_.unary_left.fetch_sub(1) <= 0) return load_.running.done();
    context_.emplace();
    begin_operation();
    load_.stub.async()->Unary(&*context_, &load_.chunk, &answer_, [this](grpc::Status status) {
      end_operation();
      check(status);
      check_length(answer_);
      start();
    });
  }

 private:
  std::optional<grpc::ClientContext> context_;
  bench::Chunk answer_;
};

class DownloadWorker : public Worker, public grpc::ClientReadReactor<bench::Chunk> {
 public:
  DownloadWorker(Load& load, int64_t share) : Worker(load), share_(share) {
    order_.set_count(static_cast<int32_t>(share));
    order_.set_size(static_cast<int32_t>(load.bytes));
  }

  void start() override {
    load_.stub.async()->Download(&context_, &order_, this);
    StartRead(&chunk_);
    StartCall();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    check_length(chunk_);
    seen_++;
    StartRead(&chunk_);
  }

  void OnDone(const grpc::Status& status) override {
    check(status);
    if (seen_ != share_) fail("a download of " + std::to_string(seen_) + " messages");
    load_.running.done();
  }

 private:
  const int64_t share_;
  int64_t seen_ = 0;
  grpc::ClientContext context_;
  bench::Order order_;
  bench::Chunk chunk_;
};

class UploadWorker : public Worker, public grpc::ClientWriteReactor<bench::Chunk> {
 public:
  UploadWorker(Load& load, int64_t share) : Worker(load), share_(share), left_(share) {}

  void start() override {
    load_.stub.async()->Upload(&context_, &total_, this);
    write();
    StartCall();
  }

  // Without `ok` the call is over, and OnDone says why.
  void OnWriteDone(bool ok) override {
    if (ok && left_ > 0) write();
  }

  void OnDone(const grpc::Status& status) override {
    check(status);
    const auto bytes = static_cast<int32_t>((share_ * load_.bytes) & 0x7fffffff);
    if (total_.count() != share_ || total_.size() != bytes) {
      fail("an upload of " + std::to_string(total_.count()) + " messages, " +
           std::to_string(total_.size()) + " bytes");
    }
    load_.running.done();
  }

 private:
  void write() {
    if (--left_ > 0) {
      StartWrite(&load_.chunk);
    } else {
      StartWriteLast(&load_.chunk, grpc::WriteOptions());
    }
  }

  const int64_t share_;
  int64_t left_;
  grpc::ClientContext context_;
  bench::Order total_;
};

class ChatWorker : public Worker, public grpc::ClientBidiReactor<bench::Chunk, bench::Chunk> {
 public:
  ChatWorker(Load& load, int64_t share) : Worker(load), left_(share) {}

  void start() override {
    load_.stub.async()->Chat(&context_, this);
    ping();
    StartCall();
  }

  void OnWriteDone(bool ok) override {
    if (ok) half_done();
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    if (left_ == 0) fail("an answer too many");
    end_operation();
    check_length(answer_);
    left_--;
    half_done();
  }

  void OnDone(const grpc::Status& status) override {
    check(status);
    if (left_ != 0) fail("a chat that ended too early");
    load_.running.done();
  }

 private:
  void ping() {
    halves_ = 2;
    begin_operation();
    StartRead(&answer_);
    StartWrite(&load_.chunk);
  }

  // The answer may be here before gRPC says that the message is sent; the next one may be written
  // only after both.
  void half_done() {
    if (halves_.fetch_sub(1) != 1) return;
    if (left_ > 0) return ping();
    StartWritesDone();
    // Nothing is to come, but OnDone would wait for what came nevertheless.
    StartRead(&answer_);
  }

  int64_t left_;
  std::atomic<int> halves_{0};
  grpc::ClientContext context_;
  bench::Chunk answer_;
};
