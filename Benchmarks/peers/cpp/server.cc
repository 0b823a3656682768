// bench.Echo on gRPC C++, with its callback API: no thread waits for a call.

#include <iostream>
#include <memory>
#include <string>

#include <grpcpp/grpcpp.h>

#include "bench.grpc.pb.h"
#include "numbers.h"
#include "options.h"

namespace {

using bench::Chunk;
using bench::Order;
using grpc::CallbackServerContext;
using grpc::Status;

class DownloadReactor : public grpc::ServerWriteReactor<Chunk> {
 public:
  explicit DownloadReactor(const Order& order) : left_(order.count()) {
    chunk_.set_body(std::string(order.size(), 'x'));
    left_ > 0 ? write() : Finish(Status::OK);
  }

  void OnWriteDone(bool ok) override { ok ? write() : Finish(Status::CANCELLED); }
  void OnDone() override { delete this; }

 private:
  void write() {
    if (--left_ > 0) {
      StartWrite(&chunk_);
    } else {
      // Saves the round through the queue that the status alone would take.
      StartWriteAndFinish(&chunk_, grpc::WriteOptions(), Status::OK);
    }
  }

  int left_;
  Chunk chunk_;
};

class UploadReactor : public grpc::ServerReadReactor<Chunk> {
 public:
  explicit UploadReactor(Order* total) : total_(total) { StartRead(&chunk_); }

  void OnReadDone(bool ok) override {
    if (ok) {
      count_++;
      bytes_ += chunk_.body().size();
      StartRead(&chunk_);
      return;
    }
    total_->set_count(count_);
    total_->set_size(static_cast<int32_t>(bytes_ & 0x7fffffff));
    Finish(Status::OK);
  }
  void OnDone() override { delete this; }

 private:
  Order* total_;
  Chunk chunk_;
  int32_t count_ = 0;
  uint64_t bytes_ = 0;
};

// Reads and writes in turns, so that one message serves both ways without a copy.
class ChatReactor : public grpc::ServerBidiReactor<Chunk, Chunk> {
 public:
  ChatReactor() { StartRead(&chunk_); }

  void OnReadDone(bool ok) override { ok ? StartWrite(&chunk_) : Finish(Status::OK); }
  void OnWriteDone(bool ok) override { ok ? StartRead(&chunk_) : Finish(Status::CANCELLED); }
  void OnDone() override { delete this; }

 private:
  Chunk chunk_;
};

class EchoService : public bench::Echo::CallbackService {
  grpc::ServerUnaryReactor* Unary(CallbackServerContext* context, const Chunk* request,
                                  Chunk* response) override {
    response->set_body(request->body());
    grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
    reactor->Finish(Status::OK);
    return reactor;
  }

  grpc::ServerWriteReactor<Chunk>* Download(CallbackServerContext*, const Order* order) override {
    return new DownloadReactor(*order);
  }

  grpc::ServerReadReactor<Chunk>* Upload(CallbackServerContext*, Order* total) override {
    return new UploadReactor(total);
  }

  grpc::ServerBidiReactor<Chunk, Chunk>* Chat(CallbackServerContext*) override {
    return new ChatReactor();
  }
};

std::shared_ptr<grpc::ServerCredentials> credentials(const Options& options) {
  if (options.text("cert").empty() != options.text("key").empty()) {
    misused("--cert and --key go together");
  }
  if (options.text("cert").empty()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions tls;
  tls.pem_key_cert_pairs.push_back({options.file("key"), options.file("cert")});
  return grpc::SslServerCredentials(tls);
}

}  // namespace

int main(int count, char** arguments) {
  Options options(count, arguments, {"port", "cert", "key"});
  EchoService service;
  int port = 0;
  grpc::ServerBuilder builder;
  builder.RegisterService(&service);
  builder.SetMaxReceiveMessageSize(16 << 20);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 1000);
  const std::string wanted = std::to_string(number(options, "port", 0, "0", 65535));
  builder.AddListeningPort("127.0.0.1:" + wanted, credentials(options), &port);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (!server || port == 0) {
    std::cerr << "cannot listen" << std::endl;
    return 1;
  }
  std::cout << "Listening on 127.0.0.1:" << port << std::endl;
  server->Wait();
}
