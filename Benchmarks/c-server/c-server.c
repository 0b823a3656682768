/* The limit: what nghttp2 and epoll cost without a library of ours on top.
 *
 * A gRPC server in one thread. It parses no message of a unary call and knows no unary method: to
 * every such request that has ended it sends the answer of `--body`, with grpc-status 0. Else it is
 * honest: nghttp2's checks of HTTP messaging stay on, each stream has its own response head and
 * trailers, and all frames of a turn leave in one write.
 *
 *     c-server --body FILE [--streams] [--port N] [--cert FILE --key FILE]
 *
 * With `--streams` it also serves bench.Echo's Download, Upload and Chat, and has to look at each
 * request's path for that. With a certificate chain and a key (PEM) it speaks TLS, with ALPN h2,
 * and nothing else.
 */
#define _GNU_SOURCE /* accept4 */
#include <arpa/inet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "connection.h"
#include "methods.h"

enum { MAX_EVENTS = 256 };

typedef struct {
  const char *body, *chain, *key;
  uint16_t port;
  int streams;
} settings;

static void close_connection(connection *c) {
  methods_end(c);
  connection_free(c);
}

static void accept_connection(int listener, int speaks_tls) {
  int socket = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (socket < 0) return;
  connection *c = connection_new(socket, speaks_tls ? tls_new() : NULL);
  methods_start(c);
  if (connection_flush(c) < 0) close_connection(c);
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
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
  check(epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event), "epoll_ctl");
  printf("Listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
  fflush(stdout);
  return listener;
}

/* Returns whether they are as they should be. */
static int read_arguments(int count, char **arguments, settings *into) {
  for (int i = 1; i < count; i++) {
    const char *name = arguments[i];
    if (strcmp(name, "--streams") == 0) {
      into->streams = 1;
      continue;
    }
    if (++i == count) return 0;
    if (strcmp(name, "--port") == 0) into->port = (uint16_t)atoi(arguments[i]);
    else if (strcmp(name, "--body") == 0) into->body = arguments[i];
    else if (strcmp(name, "--cert") == 0) into->chain = arguments[i];
    else if (strcmp(name, "--key") == 0) into->key = arguments[i];
    else return 0;
  }
  return into->body != NULL && (into->chain == NULL) == (into->key == NULL);
}

static void serve(int listener, int speaks_tls) {
  for (;;) {
    static struct epoll_event events[MAX_EVENTS];
    int ready = epoll_wait(poller, events, MAX_EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      connection *c = events[i].data.ptr;
      if (c == NULL) {
        accept_connection(listener, speaks_tls);
        continue;
      }
      int failed = (events[i].events & EPOLLIN) ? connection_read(c) : 0;
      if (events[i].events & (EPOLLHUP | EPOLLERR)) failed = -1;
      if (failed < 0 || connection_flush(c) < 0) close_connection(c);
    }
  }
}

int main(int count, char **arguments) {
  settings given = {0};
  if (!read_arguments(count, arguments, &given)) {
    fprintf(
        stderr,
        "usage: c-server --body FILE [--streams] [--port N] [--cert FILE --key FILE]\n");
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  methods_prepare(given.body, given.streams);
  int speaks_tls = given.chain != NULL;
  if (speaks_tls) tls_prepare_server(given.chain, given.key);
  poller = epoll_create1(EPOLL_CLOEXEC);
  check(poller, "epoll_create1");
  serve(listen_on(given.port), speaks_tls);
}
