internal import InteropCases
internal import InteropFlags
internal import Tern

/// What the client's command line says.
enum ClientFlags {
  static let all: [Flags.Flag] = [
    .text("server_host", "where the server is", or: "localhost"),
    .number("server_port", "the server's port"),
    .text("server_host_override", "the name of the server, for TLS and :authority", or: ""),
    .text("test_case", "the case to run; several: with commas in between"),
    .truth("use_tls", "whether to speak TLS"),
    .truth("use_test_ca", "whether to trust the authority of 'make certs' and not the machine's"),
    .text("ca_file", "what --use_test_ca trusts, PEM", or: TestCertificates.authority),
    .text("custom_credentials_type", "'tls' or 'insecure', instead of --use_tls", or: ""),
    .text("additional_metadata", "sent with each call: NAME:VALUE;NAME:VALUE", or: ""),
    .text("service_config_json", "has to be empty: Tern has no service config yet", or: ""),
    .number(
      "soak_iterations", "how many calls rpc_soak, channel_soak and long_lived_channel make", or: 10
    ),
    .number("soak_max_failures", "how many of them may fail or be late", or: 0),
    .number("soak_per_iteration_max_acceptable_latency_ms", "what one of them may take", or: 1000),
    .number(
      "soak_overall_timeout_seconds", "what all may take; 0: iterations times latency", or: 0),
    .number("soak_min_time_ms_between_rpcs", "from the begin of one to that of the next", or: 0),
    .number("soak_request_size", "bytes of a request's payload", or: 271_828),
    .number("soak_response_size", "bytes of a response's payload", or: 314_159),
    .number("soak_num_threads", "how many tasks share the iterations", or: 1),
    .number("iteration_interval", "seconds between the calls of long_lived_channel", or: 10),
    .number("concurrent_calls", "how many calls concurrent_large_unary makes at once", or: 1000),
  ]

  static func cases(_ flags: Flags) throws(Flags.Problem) -> [TestCase] {
    var cases: [TestCase] = []
    for name in flags.text("test_case").split(separator: ",") {
      guard let testCase = TestCase(rawValue: String(name)) else {
        let known = TestCase.allCases.map(\.rawValue).joined(separator: ", ")
        throw Flags.Problem("--test_case: there is no '\(name)', but: \(known)")
      }
      cases.append(testCase)
    }
    if cases.isEmpty { throw Flags.Problem("--test_case names no case.") }
    return cases
  }

  static func setup(_ flags: Flags) throws(Flags.Problem) -> CaseSetup {
    if !flags.text("service_config_json").isEmpty {
      throw Flags.Problem(
        "--service_config_json: Tern has no service config yet, so the case would not be what it "
          + "says. Leave the flag out, or empty.")
    }
    let host = flags.text("server_host")
    let server = "\(host.contains(":") ? "[\(host)]" : host):\(flags.number("server_port"))"
    let credentials = try credentials(flags)
    var options = ChannelOptions()
    let name = flags.text("server_host_override")
    if !name.isEmpty { options.authority = name }
    var setup = CaseSetup { [options] in
      try GRPCChannel(server, credentials: credentials, options: options)
    }
    setup.metadata = try metadata(flags.text("additional_metadata"))
    setup.soak = soak(flags, server)
    setup.concurrentCallCount = flags.number("concurrent_calls")
    setup.restBetweenCalls = .seconds(flags.number("iteration_interval"))
    setup.log = Program.say
    return setup
  }

  private static func credentials(_ flags: Flags) throws(Flags.Problem) -> ChannelCredentials {
    var speaksTLS = flags.truth("use_tls")
    switch flags.text("custom_credentials_type") {
    case "": break
    case "tls": speaksTLS = true
    case "insecure": speaksTLS = false
    case let other:
      throw Flags.Problem(
        "--custom_credentials_type: there is no '\(other)'. Tern has 'tls' and 'insecure'; what "
          + "Google's cloud has is not there.")
    }
    guard speaksTLS else { return .insecure }
    let ca = flags.text("ca_file")
    // Naming another authority without trusting it would make no sense.
    let trustsTestCA = flags.truth("use_test_ca") || flags.isGiven("ca_file")
    if trustsTestCA { try TestCertificates.check(ca, of: "ca_file") }
    let name = flags.text("server_host_override")
    return .tls(
      ChannelTLS(
        roots: trustsTestCA ? .file(ca) : .system, serverName: name.isEmpty ? nil : name))
  }

  /// The first colon ends the name; values may have more of them.
  private static func metadata(_ text: String) throws(Flags.Problem) -> Metadata {
    var metadata = Metadata()
    for field in text.split(separator: ";") {
      let parts = field.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else {
        throw Flags.Problem("--additional_metadata: '\(field)' is not NAME:VALUE")
      }
      let name = String(parts[0])
      if name.hasSuffix("-bin") {
        metadata.append(name, Array(parts[1].utf8))
      } else {
        metadata.append(name, String(parts[1]))
      }
    }
    if let problem = metadata.problem { throw Flags.Problem("--additional_metadata: \(problem)") }
    return metadata
  }

  private static func soak(_ flags: Flags, _ server: String) -> SoakSettings {
    var soak = SoakSettings()
    soak.iterations = flags.number("soak_iterations")
    soak.maxFailures = flags.number("soak_max_failures")
    soak.maxLatency = .milliseconds(flags.number("soak_per_iteration_max_acceptable_latency_ms"))
    let seconds = flags.number("soak_overall_timeout_seconds")
    soak.overallTimeout = seconds == 0 ? nil : .seconds(seconds)
    soak.minInterval = .milliseconds(flags.number("soak_min_time_ms_between_rpcs"))
    soak.requestBytes = flags.number("soak_request_size")
    soak.responseBytes = flags.number("soak_response_size")
    soak.threads = flags.number("soak_num_threads")
    soak.serverName = server
    return soak
  }
}
