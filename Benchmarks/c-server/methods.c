#include "methods.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fields.h"
#include "messages.h"

enum {
  MAX_CONCURRENT_STREAMS = 1000,
  CHAT_ROOM_BYTES = 16 << 10,
};

typedef enum { DOWNLOAD, UPLOAD, CHAT } method;

/* A streaming call. Unary calls have no such object. */
struct stream {
  method method;
  int32_t id;
  connection *connection;
  stream *next, **at;
  /* The request cannot be read. */
  int is_broken;
  /* Download: the request, and then the answer. */
  uint8_t request[MAX_ORDER_BYTES];
  size_t request_bytes;
  pattern *pattern;
  sending sending;
  /* Upload: the request; and the answer. */
  counting counting;
  /* Chat: what came and has not gone, no more than the stream's window. */
  uint8_t *chat;
  size_t chat_start, chat_end, chat_room;
  int has_ended, is_deferred;
};

static uint8_t *answer;
static size_t answer_bytes;
static nghttp2_session_callbacks *callbacks;
static nghttp2_option *options;
/* Of the size that was ordered last: it is made once, as a server has its data before the call. */
static pattern *ordered;
static int32_t ordered_size = -1;

static const nghttp2_nv head[] = {
    FIELD(":status", "200"), FIELD("content-type", "application/grpc")};

static int submit_answer(
    nghttp2_session *session, int32_t id, nghttp2_data_source_read_callback give, void *source) {
  nghttp2_data_provider body = {.source.ptr = source, .read_callback = give};
  return nghttp2_submit_response(session, id, head, 2, &body) == 0
             ? 0
             : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* Behind the last bytes: `count` as the read callback of the stream has to return it. */
static ssize_t give_trailers(
    nghttp2_session *session, int32_t id, uint32_t *flags, size_t count) {
  static const nghttp2_nv trailers[] = {FIELD("grpc-status", "0")};
  *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
  int code = nghttp2_submit_trailer(session, id, trailers, 1);
  return code == 0 ? (ssize_t)count : NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* The offset into the answer is in nghttp2's copy of the source: no object a stream. */
static ssize_t give_unary(
    nghttp2_session *session, int32_t id, uint8_t *into, size_t room, uint32_t *flags,
    nghttp2_data_source *source, void *context) {
  (void)context;
  size_t sent = (size_t)source->ptr;
  size_t count = answer_bytes - sent < room ? answer_bytes - sent : room;
  memcpy(into, answer + sent, count);
  source->ptr = (void *)(sent + count);
  if (sent + count < answer_bytes) return (ssize_t)count;
  return give_trailers(session, id, flags, count);
}

static int refuse(const stream *s) {
  static const nghttp2_nv refusal[] = {
      FIELD(":status", "200"), FIELD("content-type", "application/grpc"),
      FIELD("grpc-status", "3"), FIELD("grpc-message", "this is no message of the method")};
  int code = nghttp2_submit_response(s->connection->session, s->id, refusal, 4, NULL);
  return code == 0 ? 0 : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static ssize_t give_pattern(
    nghttp2_session *session, int32_t id, uint8_t *into, size_t room, uint32_t *flags,
    nghttp2_data_source *source, void *context) {
  (void)context;
  stream *s = source->ptr;
  size_t count = s->sending.left == 0 ? 0 : send_pattern(&s->sending, into, room);
  return s->sending.left > 0 ? (ssize_t)count : give_trailers(session, id, flags, count);
}

static int answer_download(stream *s) {
  order wanted;
  if (s->is_broken || !read_order(s->request, s->request_bytes, &wanted) || wanted.count < 0 ||
      wanted.size < 0 || wanted.size > MAX_BODY_BYTES) {
    return refuse(s);
  }
  if (wanted.size != ordered_size) {
    if (ordered != NULL) pattern_release(ordered);
    ordered = pattern_of_chunk((size_t)wanted.size);
    ordered_size = wanted.size;
  }
  ordered->users++;
  s->pattern = ordered;
  s->sending = (sending){
      .of = ordered, .left = (uint64_t)wanted.count * (uint64_t)ordered->message_bytes};
  return submit_answer(s->connection->session, s->id, give_pattern, s);
}

static int answer_upload(stream *s) {
  if (s->is_broken || !counted_whole(&s->counting)) return refuse(s);
  uint8_t bytes[MAX_ORDER_BYTES];
  order sum = {
      .count = (int32_t)(s->counting.messages & INT32_MAX),
      .size = (int32_t)(s->counting.body_bytes & INT32_MAX)};
  s->pattern = pattern_of(bytes, write_order(sum, bytes));
  s->sending = (sending){.of = s->pattern, .left = s->pattern->message_bytes};
  return submit_answer(s->connection->session, s->id, give_pattern, s);
}

static ssize_t give_chat(
    nghttp2_session *session, int32_t id, uint8_t *into, size_t room, uint32_t *flags,
    nghttp2_data_source *source, void *context) {
  (void)context;
  stream *s = source->ptr;
  size_t left = s->chat_end - s->chat_start;
  if (left == 0 && !s->has_ended) {
    s->is_deferred = 1;
    return NGHTTP2_ERR_DEFERRED;
  }
  size_t count = left < room ? left : room;
  if (count > 0) memcpy(into, s->chat + s->chat_start, count);
  s->chat_start += count;
  if (!s->has_ended) nghttp2_session_consume_stream(session, id, count);
  if (s->chat_start == s->chat_end) s->chat_start = s->chat_end = 0;
  int is_last = s->has_ended && count == left;
  return is_last ? give_trailers(session, id, flags, count) : (ssize_t)count;
}

static int resume_chat(stream *s) {
  if (!s->is_deferred) return 0;
  s->is_deferred = 0;
  return nghttp2_session_resume_data(s->connection->session, s->id) == 0
             ? 0
             : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static void make_chat_room(stream *s, size_t count) {
  size_t left = s->chat_end - s->chat_start;
  if (s->chat_start > 0) memmove(s->chat, s->chat + s->chat_start, left);
  s->chat_start = 0;
  s->chat_end = left;
  size_t room = s->chat_room == 0 ? CHAT_ROOM_BYTES : s->chat_room;
  while (room < left + count) room *= 2;
  if (room == s->chat_room) return;
  s->chat = realloc(s->chat, room);
  if (s->chat == NULL) exit(1);
  s->chat_room = room;
}

static int take_chat(stream *s, const uint8_t *bytes, size_t count) {
  if (s->chat_room - s->chat_end < count) make_chat_room(s, count);
  memcpy(s->chat + s->chat_end, bytes, count);
  s->chat_end += count;
  return resume_chat(s);
}

static int take_order(stream *s, const uint8_t *bytes, size_t count) {
  if (count > MAX_ORDER_BYTES - s->request_bytes) {
    s->is_broken = 1;
    return 0;
  }
  memcpy(s->request + s->request_bytes, bytes, count);
  s->request_bytes += count;
  return 0;
}

static int chunk_received(
    nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *bytes, size_t count,
    void *context) {
  (void)flags, (void)context;
  stream *s = nghttp2_session_get_stream_user_data(session, id);
  /* A chat's credit goes back when its bytes do, so that who does not read cannot fill us. */
  if (s != NULL && s->method == CHAT) {
    nghttp2_session_consume_connection(session, count);
    return take_chat(s, bytes, count);
  }
  nghttp2_session_consume(session, id, count);
  if (s == NULL) return 0;
  if (s->method == DOWNLOAD) return take_order(s, bytes, count);
  if (!s->is_broken) s->is_broken = count_chunks(&s->counting, bytes, count, -1) < 0;
  return 0;
}

static int request_ended(stream *s) {
  switch (s->method) {
    case DOWNLOAD:
      return answer_download(s);
    case UPLOAD:
      return answer_upload(s);
    case CHAT:
      s->has_ended = 1;
      return resume_chat(s);
  }
  return 0;
}

static int unary_frame_received(
    nghttp2_session *session, const nghttp2_frame *frame, void *context) {
  (void)context;
  int may_end = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
  if (!may_end || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) return 0;
  return submit_answer(session, frame->hd.stream_id, give_unary, NULL);
}

static int frame_received(nghttp2_session *session, const nghttp2_frame *frame, void *context) {
  int may_end = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
  if (!may_end) return 0;
  stream *s = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
  if (s == NULL) return unary_frame_received(session, frame, context);
  if (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) {
    int code = request_ended(s);
    if (code != 0 || s->method != CHAT) return code;
  }
  int has_begun = frame->hd.type == NGHTTP2_HEADERS && s->method == CHAT &&
                  frame->headers.cat == NGHTTP2_HCAT_REQUEST;
  return has_begun ? submit_answer(session, s->id, give_chat, s) : 0;
}

static int header_received(
    nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name, size_t name_bytes,
    const uint8_t *value, size_t value_bytes, uint8_t flags, void *context) {
  (void)flags;
  if (name_bytes != 5 || memcmp(name, ":path", 5) != 0) return 0;
  static const struct {
    const char *path;
    size_t bytes;
    method method;
  } methods[] = {
      {"/bench.Echo/Download", 20, DOWNLOAD},
      {"/bench.Echo/Upload", 18, UPLOAD},
      {"/bench.Echo/Chat", 16, CHAT}};
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
    if (value_bytes != methods[i].bytes || memcmp(value, methods[i].path, value_bytes) != 0) {
      continue;
    }
    connection *c = context;
    stream *s = calloc(1, sizeof *s);
    if (s == NULL) exit(1);
    *s = (stream){
        .method = methods[i].method, .id = frame->hd.stream_id, .connection = c,
        .next = c->streams, .at = &c->streams};
    if (s->next != NULL) s->next->at = &s->next;
    c->streams = s;
    nghttp2_session_set_stream_user_data(session, s->id, s);
  }
  return 0;
}

static void stream_free(stream *s) {
  *s->at = s->next;
  if (s->next != NULL) s->next->at = s->at;
  if (s->pattern != NULL) pattern_release(s->pattern);
  free(s->chat);
  free(s);
}

static int stream_closed(nghttp2_session *session, int32_t id, uint32_t code, void *context) {
  (void)code, (void)context;
  stream *s = nghttp2_session_get_stream_user_data(session, id);
  if (s != NULL) stream_free(s);
  return 0;
}

static void read_answer(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL || fseek(file, 0, SEEK_END) != 0) check(-1, path);
  long bytes = ftell(file);
  check(bytes < 0 ? -1 : 0, path);
  rewind(file);
  answer = malloc((size_t)bytes + 1);
  if (answer == NULL) check(-1, "answer");
  answer_bytes = fread(answer, 1, (size_t)bytes, file);
  fclose(file);
}

void methods_prepare(const char *answer_path, int streams) {
  read_answer(answer_path);
  check(nghttp2_session_callbacks_new(&callbacks), "callbacks");
  check(nghttp2_option_new(&options), "options");
  nghttp2_option_set_no_closed_streams(options, 1);
  nghttp2_session_callbacks_set_on_frame_recv_callback(
      callbacks, streams ? frame_received : unary_frame_received);
  /* nghttp2 calls for each field of a request: a cost that servers of one method do not have. */
  if (!streams) return;
  nghttp2_option_set_no_auto_window_update(options, 1);
  nghttp2_session_callbacks_set_on_header_callback(callbacks, header_received);
  nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, chunk_received);
  nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, stream_closed);
}

void methods_start(connection *c) {
  check(nghttp2_session_server_new2(&c->session, callbacks, c, options), "session");
  connection_start(
      c, (nghttp2_settings_entry){
             NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, MAX_CONCURRENT_STREAMS});
}

void methods_end(connection *c) {
  while (c->streams != NULL) stream_free(c->streams);
}
