#include "calls.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../c-server/fields.h"
#include "../c-server/messages.h"

/* One of those that are in flight at a time, for one stream after another. */
typedef struct {
  int32_t id;
  /* What this stream is to carry, and what was begun of it. */
  uint32_t messages, asked;
  int is_deferred, has_status;
  sending request;
  /* Download: its order, whose count is the stream's own. */
  pattern *order;
  counting answer;
  /* Upload's answer. */
  uint8_t sum[MAX_ORDER_BYTES];
  size_t sum_bytes;
  uint64_t began;
} call;

static const char *const paths[] = {
    "/bench.Echo/Unary", "/bench.Echo/Download", "/bench.Echo/Upload", "/bench.Echo/Chat"};

static nghttp2_session *session;
static const load *given;
static call *calls;
static nghttp2_nv head[] = {
    FIELD(":method", "POST"), FIELD(":scheme", ""), FIELD(":authority", ""), FIELD(":path", ""),
    FIELD("te", "trailers"), FIELD("content-type", "application/grpc")};
static pattern *chunk;

/* Of the warm-up, and then of what counts. */
static uint32_t operations, started, open_calls;
static int is_counted, is_over;
static uint64_t began, cpu_began;
static measured result;

void fail(const char *reason, ...) {
  va_list arguments;
  va_start(arguments, reason);
  fputs("c-client: ", stderr);
  vfprintf(stderr, reason, arguments);
  fputc('\n', stderr);
  va_end(arguments);
  exit(1);
}

static uint64_t nanoseconds(clockid_t clock) {
  struct timespec time;
  clock_gettime(clock, &time);
  return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static ssize_t give_request(
    nghttp2_session *of, int32_t id, uint8_t *into, size_t room, uint32_t *flags,
    nghttp2_data_source *source, void *context) {
  (void)of, (void)id, (void)context;
  call *c = source->ptr;
  size_t count = c->request.left == 0 ? 0 : send_pattern(&c->request, into, room);
  if (c->request.left > 0) return (ssize_t)count;
  if (c->asked == c->messages) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
  } else if (count == 0) {
    c->is_deferred = 1;
    return NGHTTP2_ERR_DEFERRED;
  }
  return (ssize_t)count;
}

static void prepare_request(call *c) {
  if (given->mode == DOWNLOAD) {
    uint8_t bytes[MAX_ORDER_BYTES];
    order wanted = {.count = (int32_t)c->messages, .size = given->body_bytes};
    c->order = pattern_of(bytes, write_order(wanted, bytes));
    c->request = (sending){.of = c->order, .left = c->order->message_bytes};
    c->asked = c->messages;
    return;
  }
  /* In a chat the next message waits for the answer, in a paced upload for its time; only the last
   * one ends the request. */
  int waits = (given->mode == CHAT || given->bytes_per_second > 0) && c->messages > 0;
  c->asked = waits ? 1 : c->messages;
  c->request = (sending){
      .of = chunk, .left = (uint64_t)c->asked * (uint64_t)chunk->message_bytes};
}

static void start_call(call *c, uint32_t messages, uint64_t now) {
  /* What was counted of a whole answer is back at its start. */
  c->messages = messages;
  c->is_deferred = c->has_status = 0;
  c->answer.messages = 0;
  c->sum_bytes = 0;
  c->began = now;
  prepare_request(c);
  nghttp2_data_provider body = {.source.ptr = c, .read_callback = give_request};
  c->id = nghttp2_submit_request(session, NULL, head, sizeof head / sizeof *head, &body, c);
  if (c->id < 0) fail("%s", nghttp2_strerror(c->id));
}

/* The warm-up, or what counts. */
static void begin(uint32_t count) {
  operations = count;
  started = open_calls = 0;
  began = nanoseconds(CLOCK_MONOTONIC);
  cpu_began = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
  for (uint32_t i = 0; i < given->at_once; i++) {
    /* The first streams take what cannot be divided. */
    uint32_t share = count / given->at_once + (i < count % given->at_once);
    if (share == 0) break;
    uint32_t messages = given->mode == UNARY ? 1 : share;
    started += messages;
    open_calls++;
    start_call(&calls[i], messages, began);
  }
}

static void end(void) {
  if (!is_counted) {
    is_counted = 1;
    begin(given->operations);
    return;
  }
  result.seconds = (double)(nanoseconds(CLOCK_MONOTONIC) - began) / 1e9;
  result.cpu_seconds = (double)(nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu_began) / 1e9;
  is_over = 1;
}

/* Returns the time. */
static uint64_t note_latency(const call *c) {
  uint64_t now = nanoseconds(CLOCK_MONOTONIC);
  if (is_counted) result.latencies[result.latency_count++] = now - c->began;
  return now;
}

static void ask_once_more(call *c) {
  c->asked++;
  c->request.left += chunk->message_bytes;
  if (!c->is_deferred) return;
  c->is_deferred = 0;
  int code = nghttp2_session_resume_data(session, c->id);
  if (code != 0) fail("%s", nghttp2_strerror(code));
}

static void next_ping(call *c) {
  uint64_t now = note_latency(c);
  if (c->asked == c->messages) return;
  c->began = now;
  ask_once_more(c);
}

void calls_pace(void) {
  if (given->bytes_per_second == 0) return;
  double seconds = (double)(nanoseconds(CLOCK_MONOTONIC) - began) / 1e9;
  double due = seconds * (double)given->bytes_per_second /
               ((double)chunk->message_bytes * given->at_once);
  for (uint32_t i = 0; i < given->at_once; i++) {
    call *c = &calls[i];
    while (c->asked < c->messages && c->asked < due) ask_once_more(c);
  }
}

static int chunk_received(
    nghttp2_session *of, uint8_t flags, int32_t id, const uint8_t *bytes, size_t count,
    void *context) {
  (void)flags, (void)context;
  call *c = nghttp2_session_get_stream_user_data(of, id);
  if (c == NULL) return 0;
  if (given->mode == UPLOAD) {
    if (count > MAX_ORDER_BYTES - c->sum_bytes) fail("an answer that is no Order");
    memcpy(c->sum + c->sum_bytes, bytes, count);
    c->sum_bytes += count;
    return 0;
  }
  uint64_t before = c->answer.messages;
  if (count_chunks(&c->answer, bytes, count, given->body_bytes) < 0) {
    fail("an answer that is no Chunk of %d bytes", given->body_bytes);
  }
  if (c->answer.messages > c->asked) fail("more answers than there should be");
  if (given->mode == CHAT && c->answer.messages > before) next_ping(c);
  return 0;
}

static int header_received(
    nghttp2_session *of, const nghttp2_frame *frame, const uint8_t *name, size_t name_bytes,
    const uint8_t *value, size_t value_bytes, uint8_t flags, void *context) {
  (void)flags, (void)context;
  static const char wanted[] = "grpc-status";
  if (name_bytes != sizeof wanted - 1 || memcmp(name, wanted, name_bytes) != 0) return 0;
  if (value_bytes != 1 || *value != '0') {
    fail("grpc-status %.*s", (int)value_bytes, (const char *)value);
  }
  call *c = nghttp2_session_get_stream_user_data(of, frame->hd.stream_id);
  if (c != NULL) c->has_status = 1;
  return 0;
}

static void check_answer(const call *c) {
  if (!c->has_status) fail("an answer without grpc-status");
  if (given->mode != UPLOAD) {
    if (c->answer.messages == c->messages && counted_whole(&c->answer)) return;
    fail("%llu answers instead of %u", (unsigned long long)c->answer.messages, c->messages);
  }
  order sum;
  int32_t bytes = (int32_t)((uint64_t)c->messages * (uint64_t)given->body_bytes & INT32_MAX);
  if (!read_order(c->sum, c->sum_bytes, &sum)) fail("an answer that is no Order");
  if (sum.count == (int32_t)c->messages && sum.size == bytes) return;
  fail("%d messages, %d bytes have come of %u, %d", sum.count, sum.size, c->messages, bytes);
}

static int stream_closed(nghttp2_session *of, int32_t id, uint32_t code, void *context) {
  (void)context;
  call *c = nghttp2_session_get_stream_user_data(of, id);
  if (c == NULL) return 0;
  if (code != NGHTTP2_NO_ERROR) fail("a stream ended with %s", nghttp2_http2_strerror(code));
  check_answer(c);
  if (given->mode == UNARY) {
    uint64_t now = note_latency(c);
    if (started < operations) {
      started++;
      start_call(c, 1, now);
      return 0;
    }
  }
  if (given->mode == DOWNLOAD) pattern_release(c->order);
  if (--open_calls == 0) end();
  return 0;
}

static void set_field(nghttp2_nv *field, const char *value) {
  field->value = (uint8_t *)value;
  field->valuelen = strlen(value);
}

static void prepare_latencies(size_t count) {
  result.latencies = malloc(count * sizeof *result.latencies);
  if (result.latencies == NULL) fail("out of memory");
  /* Pages that come with the first write would cost where it counts. */
  memset(result.latencies, 0xFF, count * sizeof *result.latencies);
}

void calls_prepare(connection *c, const load *what) {
  given = what;
  calls = calloc(what->at_once, sizeof *calls);
  if (calls == NULL) fail("out of memory");
  if (what->mode == UNARY || what->mode == CHAT) prepare_latencies(what->operations);
  chunk = pattern_of_chunk((size_t)what->body_bytes);
  set_field(&head[1], what->scheme);
  set_field(&head[2], what->authority);
  set_field(&head[3], paths[what->mode]);

  nghttp2_session_callbacks *callbacks;
  nghttp2_option *options;
  check(nghttp2_session_callbacks_new(&callbacks), "callbacks");
  check(nghttp2_option_new(&options), "options");
  nghttp2_option_set_no_closed_streams(options, 1);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, header_received);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, chunk_received);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_closed);
  check(nghttp2_session_client_new2(&session, callbacks, c, options), "session");
  nghttp2_session_callbacks_del(callbacks);
  nghttp2_option_del(options);
  c->session = session;
  connection_start(c, (nghttp2_settings_entry){NGHTTP2_SETTINGS_ENABLE_PUSH, 0});
}

void calls_begin(void) {
  is_counted = given->warm_up == 0;
  begin(is_counted ? given->operations : given->warm_up);
}

const measured *calls_result(void) { return is_over ? &result : NULL; }
