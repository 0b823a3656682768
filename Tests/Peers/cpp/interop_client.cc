// Runs cases of gRPC's interoperability tests: one, or several with commas in between. Exits with 0
// if the server did in each what the case expects; otherwise says what was expected and seen.
//
// Source: https://github.com/grpc/grpc/blob/master/doc/interop-test-descriptions.md

#include <functional>
#include <iostream>
#include <map>

#include "compression_cases.h"
#include "core_cases.h"
#include "many_cases.h"
#include "options.h"

namespace {

std::shared_ptr<grpc::Channel> connect(const Options& options) {
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (options.is_true("use_tls")) {
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = options.file("ca");
    credentials = grpc::SslCredentials(tls);
  }
  grpc::ChannelArguments arguments;
  // Else channels with the same arguments share their connections, also with those of cases before.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const std::string name = options.text("server_host_override");
  if (!name.empty()) arguments.SetSslTargetNameOverride(name);
  const std::string target =
      options.text("server_host", "127.0.0.1") + ":" + options.text("server_port");
  return grpc::CreateCustomChannel(target, credentials, arguments);
}

std::unique_ptr<Stub> make_stub(const Options& options) {
  return testing::TestService::NewStub(connect(options));
}

std::chrono::milliseconds soak_limit(const Options& options) {
  const std::string limit = options.text("soak_per_iteration_max_acceptable_latency_ms", "1000");
  return std::chrono::milliseconds(std::stoi(limit));
}

using Case = std::function<void(const Options&)>;

// A case that needs nothing but one channel to the service.
Case on_stub(void (*run)(Stub&)) {
  return [run](const Options& options) { run(*make_stub(options)); };
}

const std::map<std::string, Case> kCases = {
    {"empty_unary", on_stub(empty_unary)},
    {"large_unary", on_stub(large_unary)},
    {"client_compressed_unary", on_stub(client_compressed_unary)},
    {"server_compressed_unary", on_stub(server_compressed_unary)},
    {"client_streaming", on_stub(client_streaming)},
    {"client_compressed_streaming", on_stub(client_compressed_streaming)},
    {"server_streaming", on_stub(server_streaming)},
    {"server_compressed_streaming", on_stub(server_compressed_streaming)},
    {"ping_pong", on_stub(ping_pong)},
    {"empty_stream", on_stub(empty_stream)},
    {"custom_metadata", on_stub(custom_metadata)},
    {"status_code_and_message", on_stub(status_code_and_message)},
    {"special_status_message", on_stub(special_status_message)},
    {"unimplemented_method", on_stub(unimplemented_method)},
    {"unimplemented_service",
     [](const Options& options) {
       unimplemented_service(*testing::UnimplementedService::NewStub(connect(options)));
     }},
    {"cancel_after_begin", on_stub(cancel_after_begin)},
    {"cancel_after_first_response", on_stub(cancel_after_first_response)},
    {"timeout_on_sleeping_server", on_stub(timeout_on_sleeping_server)},
    {"rpc_soak",
     [](const Options& options) {
       auto stub = make_stub(options);
       for (int call = 0; call < kSoakIterations; call++) soak_once(*stub, soak_limit(options));
     }},
    {"channel_soak",
     [](const Options& options) {
       for (int call = 0; call < kSoakIterations; call++) {
         soak_once(*make_stub(options), soak_limit(options));
       }
     }},
    {"concurrent_large_unary",
     [](const Options& options) {
       const std::string count = options.text("concurrent_calls", "1000");
       large_unary_at_once(*make_stub(options), std::stoi(count));
     }},
    {"goaway", on_stub(goaway)},
    {"rst_after_header", on_stub(expect_failure)},
    {"rst_during_data", on_stub(expect_failure)},
    {"rst_after_data", on_stub(expect_failure)},
    {"ping", on_stub(large_unary)},
    {"max_streams", on_stub(max_streams)},
    {"data_frame_padding", on_stub(large_unary)},
    {"no_df_padding_sanity_test", on_stub(large_unary)},
};

bool run(const std::string& name, const Options& options) {
  try {
    kCases.at(name)(options);
  } catch (const std::runtime_error& problem) {
    std::cout << name << ": " << problem.what() << std::endl;
    return false;
  }
  std::cout << name << ": passed" << std::endl;
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  Options options(
      count, arguments,
      {"server_host", "server_port", "server_host_override", "test_case", "use_tls", "ca",
       "soak_per_iteration_max_acceptable_latency_ms", "concurrent_calls"});
  std::istringstream names(options.text("test_case"));
  std::string name;
  bool all_passed = true;
  while (std::getline(names, name, ',')) {
    if (kCases.count(name) == 0) {
      std::cerr << "--test_case: there is no '" << name << "', but:";
      for (const auto& known : kCases) std::cerr << " " << known.first;
      std::cerr << std::endl;
      return 2;
    }
    all_passed = run(name, options) && all_passed;
  }
  return all_passed ? 0 : 1;
}
