#include "connection.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
  READ_BYTES = 64 << 10,
  OUTBOUND_BYTES = 64 << 10,
};

int poller;
static uint8_t outbound_of_all[OUTBOUND_BYTES];

void check(int result, const char *what) {
  if (result >= 0) return;
  perror(what);
  exit(1);
}

connection *connection_new(int socket, tls *tls) {
  int on = 1;
  check(setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on), "TCP_NODELAY");
  connection *c = calloc(1, sizeof *c);
  if (c == NULL) exit(1);
  c->socket = socket;
  c->tls = tls;
  c->outbound = tls != NULL ? outbound_of_all : malloc(OUTBOUND_BYTES);
  if (c->outbound == NULL) exit(1);
  return c;
}

void connection_start(connection *c, nghttp2_settings_entry own) {
  nghttp2_settings_entry settings[] = {
      own, {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, STREAM_WINDOW_BYTES}};
  check(nghttp2_submit_settings(c->session, NGHTTP2_FLAG_NONE, settings, 2), "settings");
  check(
      nghttp2_session_set_local_window_size(
          c->session, NGHTTP2_FLAG_NONE, 0, CONNECTION_WINDOW_BYTES),
      "window");
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  check(epoll_ctl(poller, EPOLL_CTL_ADD, c->socket, &event), "epoll_ctl");
}

void connection_free(connection *c) {
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

int connection_flush(connection *c) {
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

int connection_read(connection *c) {
  static uint8_t inbound[READ_BYTES];
  ssize_t count = recv(c->socket, inbound, sizeof inbound, 0);
  if (count < 0) return errno == EAGAIN || errno == EINTR ? 0 : -1;
  if (count == 0) return -1;
  if (c->tls == NULL) return take_plain(c, inbound, (size_t)count);
  return tls_receive(c->tls, inbound, (size_t)count, take_plain, c);
}
