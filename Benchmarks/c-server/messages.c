#include "messages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  PREFIX_BYTES = 5,
  BODY_KEY = 1 << 3 | 2,
  COUNT_KEY = 1 << 3,
  SIZE_KEY = 2 << 3,
  /* nghttp2's DATA frames are no longer. */
  MAX_DATA_BYTES = 16 << 10,
};

static void write_prefix(uint8_t *into, size_t length) {
  into[0] = 0;
  for (int i = 0; i < 4; i++) into[1 + i] = (uint8_t)(length >> (24 - 8 * i));
}

static uint32_t read_length(const uint8_t *prefix) {
  return (uint32_t)prefix[1] << 24 | (uint32_t)prefix[2] << 16 | (uint32_t)prefix[3] << 8 |
         prefix[4];
}

static size_t write_varint(uint8_t *into, uint64_t value) {
  size_t count = 0;
  for (; value >= 0x80; value >>= 7) into[count++] = (uint8_t)value | 0x80;
  into[count++] = (uint8_t)value;
  return count;
}

/* Returns the length, 0 if it goes on behind the bytes, -1 if it is too long. */
static int read_varint(const uint8_t *bytes, size_t count, uint64_t *value) {
  *value = 0;
  for (int i = 0; i < 10; i++) {
    if ((size_t)i == count) return 0;
    *value |= (uint64_t)(bytes[i] & 0x7F) << (7 * i);
    if (bytes[i] < 0x80) return i + 1;
  }
  return -1;
}

size_t write_order(order from, uint8_t into[MAX_ORDER_BYTES]) {
  size_t at = PREFIX_BYTES;
  if (from.count != 0) {
    into[at++] = COUNT_KEY;
    at += write_varint(into + at, (uint64_t)(int64_t)from.count);
  }
  if (from.size != 0) {
    into[at++] = SIZE_KEY;
    at += write_varint(into + at, (uint64_t)(int64_t)from.size);
  }
  write_prefix(into, at - PREFIX_BYTES);
  return at;
}

int read_order(const uint8_t *bytes, size_t count, order *into) {
  *into = (order){0, 0};
  if (count < PREFIX_BYTES || bytes[0] != 0) return 0;
  if (read_length(bytes) != count - PREFIX_BYTES) return 0;
  for (size_t at = PREFIX_BYTES; at < count;) {
    uint8_t key = bytes[at++];
    uint64_t value;
    int length = read_varint(bytes + at, count - at, &value);
    if (length <= 0 || (key != COUNT_KEY && key != SIZE_KEY)) return 0;
    *(key == COUNT_KEY ? &into->count : &into->size) = (int32_t)(uint32_t)value;
    at += (size_t)length;
  }
  return 1;
}

static pattern *pattern_new(size_t message_bytes) {
  pattern *p = malloc(sizeof *p + message_bytes + MAX_DATA_BYTES);
  if (p == NULL) {
    perror("pattern");
    exit(1);
  }
  p->message_bytes = message_bytes;
  p->users = 1;
  return p;
}

/* The message at the front, again and again. */
static void repeat(pattern *p) {
  size_t filled = p->message_bytes, end = filled + MAX_DATA_BYTES;
  while (filled < end) {
    size_t count = end - filled < filled ? end - filled : filled;
    memcpy(p->bytes + filled, p->bytes, count);
    filled += count;
  }
}

pattern *pattern_of_chunk(size_t body_bytes) {
  uint8_t head[MAX_HEAD_BYTES];
  size_t head_bytes = PREFIX_BYTES;
  /* Protocol Buffers leave out what is empty. */
  if (body_bytes > 0) {
    head[head_bytes++] = BODY_KEY;
    head_bytes += write_varint(head + head_bytes, body_bytes);
  }
  write_prefix(head, head_bytes - PREFIX_BYTES + body_bytes);
  pattern *p = pattern_new(head_bytes + body_bytes);
  memcpy(p->bytes, head, head_bytes);
  for (size_t i = 0; i < body_bytes; i++) p->bytes[head_bytes + i] = (uint8_t)('a' + i % 26);
  repeat(p);
  return p;
}

pattern *pattern_of(const uint8_t *message, size_t count) {
  pattern *p = pattern_new(count);
  memcpy(p->bytes, message, count);
  repeat(p);
  return p;
}

void pattern_release(pattern *p) {
  if (--p->users == 0) free(p);
}

size_t send_pattern(sending *s, uint8_t *into, size_t room) {
  size_t count = room < MAX_DATA_BYTES ? room : MAX_DATA_BYTES;
  if (s->left < count) count = (size_t)s->left;
  memcpy(into, s->of->bytes + s->at, count);
  s->left -= count;
  s->at += count;
  if (s->at >= s->of->message_bytes) s->at %= s->of->message_bytes;
  return count;
}

/* All before the body, which has `size` bytes: returns its length, 0 if it is not all there, -1 if
 * this is no Chunk. */
static int read_head(const uint8_t *bytes, size_t count, uint32_t *size) {
  if (count < PREFIX_BYTES) return 0;
  if (bytes[0] != 0) return -1;
  uint32_t length = read_length(bytes);
  *size = 0;
  if (length == 0) return PREFIX_BYTES;
  if (count == PREFIX_BYTES) return 0;
  if (bytes[PREFIX_BYTES] != BODY_KEY) return -1;
  uint64_t body;
  int varint = read_varint(bytes + PREFIX_BYTES + 1, count - PREFIX_BYTES - 1, &body);
  if (varint == 0) return count < MAX_HEAD_BYTES ? 0 : -1;
  if (varint < 0 || body > UINT32_MAX || body + 1 + (uint64_t)varint != length) return -1;
  *size = (uint32_t)body;
  return PREFIX_BYTES + 1 + varint;
}

/* Returns how many of the bytes belong to a head, or -1. */
static ssize_t take_head(counting *c, const uint8_t *bytes, size_t count, int32_t wanted) {
  size_t kept = c->head_bytes;
  const uint8_t *head = bytes;
  size_t head_bytes = count;
  /* Most heads are in one piece: those are read where they are. */
  if (kept > 0) {
    size_t more = MAX_HEAD_BYTES - kept < count ? MAX_HEAD_BYTES - kept : count;
    memcpy(c->head + kept, bytes, more);
    head = c->head;
    head_bytes = kept + more;
  }
  uint32_t size;
  int length = read_head(head, head_bytes, &size);
  if (length < 0) return -1;
  if (length == 0) {
    if (kept == 0) memcpy(c->head, bytes, count);
    c->head_bytes = (uint32_t)head_bytes;
    return (ssize_t)count;
  }
  if (wanted >= 0 && size != (uint32_t)wanted) return -1;
  c->head_bytes = 0;
  c->body_left = size;
  c->body_bytes += size;
  if (size == 0) c->messages++;
  return length - (ssize_t)kept;
}

int count_chunks(counting *c, const uint8_t *bytes, size_t count, int32_t wanted) {
  while (count > 0) {
    size_t taken;
    if (c->body_left > 0) {
      taken = c->body_left < count ? c->body_left : count;
      c->body_left -= (uint32_t)taken;
      if (c->body_left == 0) c->messages++;
    } else {
      ssize_t length = take_head(c, bytes, count, wanted);
      if (length < 0) return -1;
      taken = (size_t)length;
    }
    bytes += taken;
    count -= taken;
  }
  return 0;
}

int counted_whole(const counting *c) { return c->body_left == 0 && c->head_bytes == 0; }
