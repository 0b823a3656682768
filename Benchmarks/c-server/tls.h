/* TLS for the C programs: bytes in, bytes out, no buffer between OpenSSL and the socket but one
 * that all connections share. */
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct tls tls;

/* Ends the program if the files (PEM) are not what they should be. */
void tls_prepare_server(const char *chain, const char *key);
/* The server will have to be `localhost`, by a certificate that `roots` (PEM) vouch for. */
void tls_prepare_client(const char *roots);
/* Of the side that was prepared. A client's first flight is ready to be flushed. */
tls *tls_new(void);
void tls_free(tls *t);

/* Feeds what came from the peer; what it was goes to `take`. Returns -1 to close. */
int tls_receive(
    tls *t, const uint8_t *bytes, size_t count,
    int (*take)(void *context, const uint8_t *bytes, size_t count), void *context);
/* Whether the handshake is over, so that there may be something to encrypt. */
int tls_is_open(const tls *t);
/* Returns -1 to close. */
int tls_encrypt(tls *t, const uint8_t *bytes, size_t count);
/* Sends what is encrypted: returns 1 when all of it is away, 0 when the socket is full, else -1. */
int tls_flush(tls *t, int socket);
/* Why the handshake failed, or NULL. */
const char *tls_failure(const tls *t);
