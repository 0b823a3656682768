/* Messages of the benchmark's service, in gRPC's framing, without a library for either:
 *
 *     message Chunk { bytes body = 1; }
 *     message Order { int32 count = 1; int32 size = 2; }
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
  MAX_BODY_BYTES = 8 << 20,
  /* gRPC's prefix, the field's key, and a length of up to 32 bits. */
  MAX_HEAD_BYTES = 5 + 1 + 5,
  /* A negative int32 takes ten bytes. */
  MAX_ORDER_BYTES = 5 + 2 * (1 + 10),
};

typedef struct {
  int32_t count, size;
} order;

/* Return the length with the prefix, and whether it is an Order with its prefix and no more. */
size_t write_order(order from, uint8_t into[MAX_ORDER_BYTES]);
int read_order(const uint8_t *bytes, size_t count, order *into);

/* One message that will be sent often. As many copies stand side by side as it takes for any DATA
 * frame to be one memcpy, wherever in a message it begins. */
typedef struct {
  size_t message_bytes, users;
  uint8_t bytes[];
} pattern;

/* Have one user, the caller. */
pattern *pattern_of_chunk(size_t body_bytes);
pattern *pattern_of(const uint8_t *message, size_t count);
void pattern_release(pattern *p);

/* What is to be sent of a pattern: `left` bytes, from the `at`th on. */
typedef struct {
  const pattern *of;
  size_t at;
  uint64_t left;
} sending;

/* Copies no more than there is room for; returns how much. */
size_t send_pattern(sending *s, uint8_t *into, size_t room);

/* Chunks that come in pieces, of which only lengths are kept. */
typedef struct {
  uint64_t messages, body_bytes;
  /* Of the body that has begun. */
  uint32_t body_left;
  uint32_t head_bytes;
  uint8_t head[MAX_HEAD_BYTES];
} counting;

/* Every body has to have `size` bytes, or any number if that is negative. Returns -1 if it is
 * otherwise, or no Chunk. */
int count_chunks(counting *c, const uint8_t *bytes, size_t count, int32_t size);
/* Whether the last message is there to its end. */
int counted_whole(const counting *c);
