/* The limit: what nghttp2 and epoll cost without a library of ours on top.
 *
 * A unary gRPC server in one thread and one file. It parses no message and knows no method: to
 * every request that has ended it sends the answer of `--body`, with grpc-status 0. Else it is
 * honest: nghttp2's checks of HTTP messaging stay on, each stream has its own response head and
 * trailers, and all frames of a turn leave in one write.
 *
 *     c-server --body FILE [--port N] [--cert FILE --key FILE]
 *
 * With a certificate chain and a key (PEM) it speaks TLS, with ALPN h2, and nothing else.
 */
#define _GNU_SOURCE /* accept4 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <nghttp2/nghttp2.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tls.h"

/* As the Swift server has them, so that neither sends more WINDOW_UPDATEs than the other. */
enum {
  READ_BYTES = 64 << 10,
  MAX_CONCURRENT_STREAMS = 1000,
  STREAM_WINDOW_BYTES = 256 << 10,
  CONNECTION_WINDOW_BYTES = 1 << 20,
  OUTBOUND_BYTES = 64 << 10,
  MAX_EVENTS = 256,
};

typedef struct {
  int socket;
  /* NULL for plaintext. */
  tls *tls;
  nghttp2_session *session;
  int waits_for_writable;
  size_t outbound_start, outbound_end;
  /* Of its own; with TLS that of all, since what is in it is encrypted in the same turn. */
  uint8_t *outbound;
  /* What nghttp2 handed out and did not fit: its memory, valid until the next mem_send. */
  const uint8_t *rest;
  size_t rest_bytes;
} connection;

static uint8_t answer[1 << 20];
static size_t answer_bytes;
static nghttp2_session_callbacks *callbacks;
static nghttp2_option *options;
static int poller;
static int speaks_tls;
static uint8_t outbound_of_all[OUTBOUND_BYTES];

static void check(int result, const char *what) {
  if (result >= 0) return;
  perror(what);
  exit(1);
}

#define FIELD(name, value)                                            \
  {                                                                   \
    (uint8_t *)name, (uint8_t *)value, sizeof name - 1, sizeof value - 1, \
        NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE  \
  }

/* The offset into the answer is the stream's user data: no object a stream. */
static ssize_t give_answer(
    nghttp2_session *session, int32_t stream, uint8_t *into, size_t room, uint32_t *flags,
    nghttp2_data_source *source, void *context) {
  (void)source, (void)context;
  size_t sent = (size_t)nghttp2_session_get_stream_user_data(session, stream);
  size_t count = answer_bytes - sent < room ? answer_bytes - sent : room;
  memcpy(into, answer + sent, count);
  if (sent + count < answer_bytes) {
    nghttp2_session_set_stream_user_data(session, stream, (void *)(sent + count));
    return (ssize_t)count;
  }
  static const nghttp2_nv trailers[] = {FIELD("grpc-status", "0")};
  *flags |= NGHTTP2_DATA_FLAG_EOF | NGHTTP2_DATA_FLAG_NO_END_STREAM;
  int code = nghttp2_submit_trailer(session, stream, trailers, 1);
  return code == 0 ? (ssize_t)count : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static int frame_received(nghttp2_session *session, const nghttp2_frame *frame, void *context) {
  (void)context;
  int may_end = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
  if (!may_end || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) return 0;
  static const nghttp2_nv head[] = {
      FIELD(":status", "200"), FIELD("content-type", "application/grpc")};
  nghttp2_data_provider body = {.read_callback = give_answer};
  return nghttp2_submit_response(session, frame->hd.stream_id, head, 2, &body) == 0
             ? 0
             : NGHTTP2_ERR_CALLBACK_FAILURE;
}

static void close_connection(connection *c) {
  if (c->tls != NULL) {
    /* An alert that tells why. */
    tls_flush(c->tls, c->socket);
    tls_free(c->tls);
  } else {
    free(c->outbound);
  }
  close(c->socket);
  nghttp2_session_del(c->session);
  free(c);
}

static void wait_for(connection *c, int writable) {
  if (c->waits_for_writable == writable) return;
  c->waits_for_writable = writable;
  struct epoll_event event = {
      .events = EPOLLIN | (writable ? EPOLLOUT : 0), .data.ptr = c};
  check(epoll_ctl(poller, EPOLL_CTL_MOD, c->socket, &event), "epoll_ctl");
}

/* Fills the outbound buffer from nghttp2. Returns 0 when there is no more, -1 on an error. */
static ssize_t fill(connection *c) {
  for (;;) {
    if (c->rest_bytes == 0) {
      ssize_t count = nghttp2_session_mem_send(c->session, &c->rest);
      if (count <= 0) return count;
      c->rest_bytes = (size_t)count;
    }
    size_t room = OUTBOUND_BYTES - c->outbound_end;
    size_t count = c->rest_bytes < room ? c->rest_bytes : room;
    memcpy(c->outbound + c->outbound_end, c->rest, count);
    c->outbound_end += count;
    c->rest += count;
    c->rest_bytes -= count;
    if (c->rest_bytes > 0) return 1;
  }
}

/* Returns 1 when all is away, 0 when the socket is full, -1 to close. */
static int send_outbound(connection *c) {
  if (c->tls != NULL) {
    size_t count = c->outbound_end;
    c->outbound_end = 0;
    return tls_encrypt(c->tls, c->outbound, count) < 0 ? -1 : tls_flush(c->tls, c->socket);
  }
  while (c->outbound_start < c->outbound_end) {
    ssize_t count = send(
        c->socket, c->outbound + c->outbound_start, c->outbound_end - c->outbound_start,
        MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno == EAGAIN ? 0 : -1;
    c->outbound_start += (size_t)count;
  }
  c->outbound_start = c->outbound_end = 0;
  return 1;
}

/* One write a turn, more only when the buffer was too small. Returns -1 to close. */
static int flush_frames(connection *c) {
  ssize_t more = 1;
  /* What was encrypted goes first, and all of it: else it would grow with each turn. */
  int sent = c->tls == NULL ? 1 : tls_flush(c->tls, c->socket);
  int may_send = c->tls == NULL || tls_is_open(c->tls);
  while (sent > 0 && may_send && more > 0) {
    more = fill(c);
    if (more < 0) return -1;
    sent = send_outbound(c);
  }
  if (sent < 0) return -1;
  wait_for(c, sent == 0);
  int wants = nghttp2_session_want_read(c->session) || nghttp2_session_want_write(c->session);
  return sent == 0 || wants ? 0 : -1;
}

static int take_plain(void *context, const uint8_t *bytes, size_t count) {
  connection *c = context;
  return nghttp2_session_mem_recv(c->session, bytes, count) == (ssize_t)count ? 0 : -1;
}

static int readable(connection *c) {
  static uint8_t inbound[READ_BYTES];
  ssize_t count = recv(c->socket, inbound, sizeof inbound, 0);
  if (count < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
  if (count == 0) return -1;
  if (c->tls == NULL) return take_plain(c, inbound, (size_t)count);
  return tls_receive(c->tls, inbound, (size_t)count, take_plain, c);
}

static void accept_connection(int listener) {
  int socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (socket < 0) return;
  int on = 1;
  check(setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
  connection *c = calloc(1, sizeof *c);
  if (c == NULL) exit(1);
  c->socket = socket;
  if (speaks_tls) c->tls = tls_new();
  c->outbound = speaks_tls ? outbound_of_all : malloc(OUTBOUND_BYTES);
  if (c->outbound == NULL) exit(1);
  check(nghttp2_session_server_new2(&c->session, callbacks, c, options), "session");
  nghttp2_settings_entry settings[] = {
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, MAX_CONCURRENT_STREAMS},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES}};
  check(nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings, 2), "settings");
  check(
      nghttp2_session_set_local_window_size(
          c->session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW_BYTES),
      "window");
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  check(epoll_ctl(poller, EPOLL_CTL_ADD, socket, &event), "epoll_ctl");
  if (flush_frames(c) < 0) close_connection(c);
}

static int listen_on(uint16_t port) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  check(listener, "socket");
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t bytes = sizeof address;
  check(bind(listener, (struct sockaddr *)&address, bytes), "bind");
  check(listen(listener, 128), "listen");
  check(getsockname(listener, (struct sockaddr *)&address, &bytes), "getsockname");
  printf("Listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return listener;
}

static void read_answer(const char *path) {
  FILE *file = fopen(path, "rb");
  if (file == NULL) check(-1, path);
  answer_bytes = fread(answer, 1, sizeof answer, file);
  fclose(file);
}

static void prepare_nghttp2(void) {
  check(nghttp2_session_callbacks_new(&callbacks), "callbacks");
  nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, frame_received);
  check(nghttp2_option_new(&options), "options");
  nghttp2_option_set_no_closed_streams(options, 1);
}

int main(int count, char **arguments) {
  uint16_t port = 0;
  const char *body = NULL, *chain = NULL, *key = NULL;
  for (int i = 1; i + 1 < count; i += 2) {
    if (strcmp(arguments[i], "--port") == 0) port = (uint16_t)atoi(arguments[i + 1]);
    if (strcmp(arguments[i], "--body") == 0) body = arguments[i + 1];
    if (strcmp(arguments[i], "--cert") == 0) chain = arguments[i + 1];
    if (strcmp(arguments[i], "--key") == 0) key = arguments[i + 1];
  }
  speaks_tls = chain != NULL;
  if (body == NULL || speaks_tls != (key != NULL)) {
    fprintf(stderr, "usage: c-server --body FILE [--port N] [--cert FILE --key FILE]\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  read_answer(body);
  if (speaks_tls) tls_prepare(chain, key);
  prepare_nghttp2();
  poller = epoll_create1(EPOLL_CLOEXEC);
  check(poller, "epoll_create1");
  int listener = listen_on(port);
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  check(epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event), "epoll_ctl");

  for (;;) {
    static struct epoll_event events[MAX_EVENTS];
    int ready = epoll_wait(poller, events, MAX_EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      connection *c = events[i].data.ptr;
      if (c == NULL) {
        accept_connection(listener);
        continue;
      }
      int failed = (events[i].events & EPOLLIN) ? readable(c) : 0;
      if (events[i].events & (EPOLLHUP | EPOLLERR)) failed = -1;
      if (failed < 0 || flush_frames(c) < 0) close_connection(c);
    }
  }
}
