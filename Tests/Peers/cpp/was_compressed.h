// Whether the message that a call received last was compressed. gRPC's own interoperability tests
// ask in the same way; libgrpc exports the function, but installs no header with it and its flag.
#pragma once

#include <cstdint>

#include <grpc/impl/codegen/grpc_types.h>

// "The message was compressed and had to be decompressed by the message_decompress filter":
// GRPC_WRITE_INTERNAL_TEST_ONLY_WAS_COMPRESSED in gRPC's src/core/lib/transport/transport.h.
constexpr uint32_t kWasCompressed = 0x40000000u;

uint32_t grpc_call_test_only_get_message_flags(grpc_call* call);

template <typename Context>
bool was_compressed(Context* context) {
  uint32_t flags = grpc_call_test_only_get_message_flags(context->c_call());
  return (flags & kWasCompressed) != 0;
}
