/* The limit of a client: what nghttp2 and epoll cost without a library of ours on top.
 *
 * A gRPC client in one thread, with one connection. What it sends was prepared before, what comes
 * is not kept; but it is honest: nghttp2's checks of HTTP messaging stay on, each answer's length
 * is compared, and each call has to end with grpc-status 0.
 *
 *     c-client --address 127.0.0.1:PORT [--ca FILE] --mode unary|download|upload|chat
 *              --calls N --at-once C --bytes B [--warm-up W] [--rate R]
 *
 * First come W operations that do not count, then N that do: calls, messages, or messages with
 * their answers, C calls or streams at once. With `--ca` (PEM) it speaks TLS with `localhost`.
 * `--rate` holds an upload to R bytes a second, as long as the server takes that many.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "../c-server/messages.h"
#include "calls.h"

enum { MAX_AT_ONCE = 1 << 16, NONE = -1 };

static const char usage[] =
    "usage: c-client --address IP:PORT [--ca FILE] --mode unary|download|upload|chat "
    "--calls N --at-once C --bytes B [--warm-up W] [--rate R]\n";

typedef struct {
  const char *address, *roots, *mode;
  long calls, at_once, bytes, warm_up, rate;
} settings;

static void give_up(void) {
  fputs(usage, stderr);
  exit(2);
}

static long number(const char *text, long least, long most) {
  char *end;
  long value = strtol(text, &end, 10);
  if (end == text || *end != 0 || value < least || value > most) give_up();
  return value;
}

static settings read_arguments(int count, char **arguments) {
  settings s = {.calls = NONE, .at_once = NONE, .bytes = NONE, .warm_up = NONE};
  for (int i = 1; i < count; i += 2) {
    const char *name = arguments[i], *value = arguments[i + 1];
    if (value == NULL) give_up();
    if (strcmp(name, "--address") == 0) s.address = value;
    else if (strcmp(name, "--ca") == 0) s.roots = value;
    else if (strcmp(name, "--mode") == 0) s.mode = value;
    else if (strcmp(name, "--calls") == 0) s.calls = number(value, 1, INT32_MAX);
    else if (strcmp(name, "--at-once") == 0) s.at_once = number(value, 1, MAX_AT_ONCE);
    else if (strcmp(name, "--bytes") == 0) s.bytes = number(value, 0, MAX_BODY_BYTES);
    else if (strcmp(name, "--warm-up") == 0) s.warm_up = number(value, 0, INT32_MAX);
    else if (strcmp(name, "--rate") == 0) s.rate = number(value, 1, INT32_MAX);
    else give_up();
  }
  if (s.address == NULL || s.mode == NULL || s.calls == NONE || s.at_once == NONE ||
      s.bytes == NONE || (s.rate != 0 && strcmp(s.mode, "upload") != 0)) {
    give_up();
  }
  return s;
}

static mode mode_of(const char *name) {
  static const char *const names[] = {"unary", "download", "upload", "chat"};
  for (mode m = UNARY; m <= CHAT; m++) {
    if (strcmp(name, names[m]) == 0) return m;
  }
  give_up();
  return UNARY;
}

static load load_of(const settings *s) {
  long tenth = s->calls / 10;
  long usual = tenth > s->at_once ? tenth : s->at_once;
  return (load){
      .mode = mode_of(s->mode),
      .scheme = s->roots != NULL ? "https" : "http",
      .authority = s->roots != NULL ? "localhost" : s->address,
      .operations = (uint32_t)s->calls,
      .warm_up = (uint32_t)(s->warm_up == NONE ? usual : s->warm_up),
      .at_once = (uint32_t)s->at_once,
      .body_bytes = (int32_t)s->bytes,
      .bytes_per_second = (uint64_t)s->rate};
}

static int connected(const char *to) {
  char ip[INET_ADDRSTRLEN] = "";
  const char *colon = strrchr(to, ':');
  if (colon == NULL || (size_t)(colon - to) >= sizeof ip) give_up();
  memcpy(ip, to, (size_t)(colon - to));
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_port = htons((uint16_t)number(colon + 1, 1, UINT16_MAX))};
  if (inet_pton(AF_INET, ip, &address.sin_addr) != 1) give_up();
  int result = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  check(result, "socket");
  check(connect(result, (struct sockaddr *)&address, sizeof address), to);
  check(fcntl(result, F_SETFL, O_NONBLOCK), "O_NONBLOCK");
  return result;
}

static const measured *run(connection *c, int milliseconds) {
  int has_begun = 0;
  for (;;) {
    if (!has_begun && (c->tls == NULL || tls_is_open(c->tls))) {
      has_begun = 1;
      calls_begin();
    }
    const measured *result = calls_result();
    if (result != NULL) return result;
    calls_pace();
    int failed = connection_flush(c);
    struct epoll_event event;
    if (failed == 0 && epoll_wait(poller, &event, 1, milliseconds) == 1 &&
        (event.events & ~EPOLLOUT)) {
      failed = connection_read(c);
    }
    if (failed == 0) continue;
    const char *why = c->tls != NULL ? tls_failure(c->tls) : NULL;
    fail("the connection ended%s%s", why != NULL ? ": " : "", why != NULL ? why : "");
  }
}

static int compare(const void *left, const void *right) {
  uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return (a > b) - (a < b);
}

static void print_percentile(const char *name, const measured *m, uint64_t percent) {
  if (m->latency_count == 0) {
    printf(", \"%s\": null", name);
    return;
  }
  printf(", \"%s\": %.1f", name, (double)m->latencies[m->latency_count * percent / 100] / 1e3);
}

int main(int count, char **arguments) {
  settings s = read_arguments(count, arguments);
  load what = load_of(&s);
  signal(SIGPIPE, SIG_IGN);
  poller = epoll_create1(EPOLL_CLOEXEC);
  check(poller, "epoll_create1");
  if (s.roots != NULL) tls_prepare_client(s.roots);
  int socket = connected(s.address);
  connection *c = connection_new(socket, s.roots != NULL ? tls_new() : NULL);
  calls_prepare(c, &what);
  /* So fine that a server sees a stream of bytes and not bursts. */
  const measured *m = run(c, s.rate > 0 ? 1 : -1);
  if (m->latency_count > 0) qsort(m->latencies, m->latency_count, sizeof *m->latencies, compare);
  printf(
      "{\"operations\": %u, \"seconds\": %.6f, \"cpu\": %.6f", what.operations, m->seconds,
      m->cpu_seconds);
  print_percentile("p50_us", m, 50);
  print_percentile("p99_us", m, 99);
  printf("}\n");
  connection_free(c);
  return 0;
}
