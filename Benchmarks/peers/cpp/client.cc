// Load on bench.Echo from gRPC C++, with its callback API, on one connection. Prints a line of
// JSON.

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <ctime>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "load.h"
#include "numbers.h"
#include "options.h"
#include "workers.h"

namespace {

double cpu_seconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

std::unique_ptr<Worker> make_worker(const std::string& mode, Load& load, int64_t share) {
  if (mode == "unary") return std::make_unique<UnaryWorker>(load);
  if (mode == "download") return std::make_unique<DownloadWorker>(load, share);
  if (mode == "upload") return std::make_unique<UploadWorker>(load, share);
  return std::make_unique<ChatWorker>(load, share);
}

struct Result {
  double seconds, cpu;
  std::vector<double> microseconds;
};

Result run(bench::Echo::Stub& stub, const std::string& mode, int64_t operations, int64_t at_once,
           size_t bytes) {
  const int64_t count = std::min(at_once, operations);
  Load load(stub, operations, bytes, static_cast<size_t>(count));
  std::vector<std::unique_ptr<Worker>> workers;
  for (int64_t index = 0; index < count; index++) {
    const int64_t share = operations / count + (index < operations % count ? 1 : 0);
    workers.push_back(make_worker(mode, load, share));
  }
  const Clock::time_point begin = Clock::now();
  const double cpu_before = cpu_seconds();
  for (auto& worker : workers) worker->start();
  load.running.wait();
  Result result{std::chrono::duration<double>(Clock::now() - begin).count(),
                cpu_seconds() - cpu_before, std::move(load.microseconds)};
  result.microseconds.resize(load.timed);
  std::sort(result.microseconds.begin(), result.microseconds.end());
  return result;
}

std::string percentile(const std::vector<double>& sorted, double share) {
  if (sorted.empty()) return "null";
  const auto rank = static_cast<size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", sorted[std::max<size_t>(rank, 1) - 1]);
  return text;
}

std::shared_ptr<grpc::Channel> connect(const Options& options) {
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(16 << 20);
  if (!options.text("ca").empty()) {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = options.file("ca");
    credentials = grpc::SslCredentials(tls);
    arguments.SetSslTargetNameOverride("localhost");
  }
  auto channel = grpc::CreateCustomChannel(options.text("address"), credentials, arguments);
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(10))) {
    fail("no connection to " + options.text("address"));
  }
  return channel;
}

}  // namespace

int main(int count, char** arguments) {
  Options options(count, arguments,
                  {"address", "ca", "mode", "calls", "at-once", "bytes", "warm-up"});
  const std::string mode = options.text("mode");
  if (!std::set<std::string>{"unary", "download", "upload", "chat"}.count(mode)) {
    misused("--mode is unary, download, upload or chat");
  }
  if (options.text("address").empty()) misused("--address is missing");
  const int64_t calls = number(options, "calls", 1);
  const int64_t at_once = number(options, "at-once", 1);
  const auto bytes = static_cast<size_t>(number(options, "bytes", 0));
  const int64_t warm_up =
      number(options, "warm-up", 0, std::to_string(std::max(at_once, calls / 10)));

  auto stub = bench::Echo::NewStub(connect(options));
  if (warm_up > 0) run(*stub, mode, warm_up, at_once, bytes);
  const Result result = run(*stub, mode, calls, at_once, bytes);
  std::printf(
      "{\"operations\": %lld, \"seconds\": %.6f, \"cpu\": %.6f, \"p50_us\": %s, \"p99_us\": %s}\n",
      static_cast<long long>(calls), result.seconds, result.cpu,
      percentile(result.microseconds, 0.5).c_str(), percentile(result.microseconds, 0.99).c_str());
}
