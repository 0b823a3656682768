/* An HTTP/2 connection between nghttp2 and a socket, of the server or of the client. */
#pragma once
#include <nghttp2/nghttp2.h>
#include <stddef.h>
#include <stdint.h>

#include "tls.h"

/* As Tern has them, so that neither sends more WINDOW_UPDATEs than the other. */
enum {
  STREAM_WINDOW_BYTES = 256 << 10,
  CONNECTION_WINDOW_BYTES = 1 << 20,
};

typedef struct stream stream;

typedef struct {
  int socket;
  /* NULL for plaintext. */
  tls *tls;
  nghttp2_session *session;
  /* The server's streaming calls, which nghttp2 does not list when the connection ends. */
  stream *streams;
  int waits_for_writable;
  size_t outbound_start, outbound_end;
  /* Of its own; with TLS that of all, since what is in it is encrypted in the same turn. */
  uint8_t *outbound;
  /* What nghttp2 handed out and did not fit: its memory, valid until the next mem_send. */
  const uint8_t *rest;
  size_t rest_bytes;
} connection;

extern int poller;

/* Ends the program, with the reason, if the result is negative. */
void check(int result, const char *what);
/* Takes a connected socket. The session, and the settings, are up to the caller. */
connection *connection_new(int socket, tls *tls);
/* Submits settings and windows for the new session; `own` is the setting that only one side has. */
void connection_start(connection *c, nghttp2_settings_entry own);
void connection_free(connection *c);
/* What one readiness of the socket brings. Returns -1 to close. */
int connection_read(connection *c);
/* One write a turn, more only when the buffer was too small. Returns -1 to close. */
int connection_flush(connection *c);
