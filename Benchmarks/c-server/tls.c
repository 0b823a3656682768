#include "tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
  PLAIN_BYTES = 64 << 10,
  /* A turn's frames in records, and a handshake's flight. */
  SHARED_BYTES = 128 << 10,
};

struct tls {
  SSL *ssl;
  /* What came from the socket and OpenSSL has not yet read. */
  const uint8_t *arrived;
  size_t arrived_bytes;
  /* What the socket did not take, of this connection alone. */
  uint8_t *unsent;
  size_t unsent_start, unsent_end, unsent_room;
};

static SSL_CTX *context_of_all;
static BIO_METHOD *method;
static int is_client;
static const unsigned char h2[] = {2, 'h', '2'};
/* What OpenSSL has written in this turn, for the connection whose turn it is. */
static uint8_t shared[SHARED_BYTES];
static size_t shared_bytes;

static void give_up(const char *what) {
  fprintf(stderr, "%s\n", what);
  ERR_print_errors_fp(stderr);
  exit(1);
}

/* Moves what the socket did not take, or what the shared buffer has no room for, out of it. */
static void keep(tls *t, const uint8_t *bytes, size_t count) {
  if (count == 0) return;
  if (t->unsent_end + count > t->unsent_room) {
    t->unsent_room = t->unsent_end + count;
    t->unsent = realloc(t->unsent, t->unsent_room);
    if (t->unsent == NULL) give_up("out of memory");
  }
  memcpy(t->unsent + t->unsent_end, bytes, count);
  t->unsent_end += count;
}

static int bio_write(BIO *bio, const char *bytes, int count) {
  if (shared_bytes + (size_t)count > SHARED_BYTES) {
    tls *t = BIO_get_data(bio);
    keep(t, shared, shared_bytes);
    keep(t, (const uint8_t *)bytes, (size_t)count);
    shared_bytes = 0;
    return count;
  }
  memcpy(shared + shared_bytes, bytes, (size_t)count);
  shared_bytes += (size_t)count;
  return count;
}

static int bio_read(BIO *bio, char *into, int room) {
  tls *t = BIO_get_data(bio);
  BIO_clear_retry_flags(bio);
  if (t->arrived_bytes == 0) {
    BIO_set_retry_read(bio);
    return -1;
  }
  size_t count = t->arrived_bytes < (size_t)room ? t->arrived_bytes : (size_t)room;
  memcpy(into, t->arrived, count);
  t->arrived += count;
  t->arrived_bytes -= count;
  return (int)count;
}

static long bio_control(BIO *bio, int command, long number, void *pointer) {
  (void)bio, (void)number, (void)pointer;
  return command == BIO_CTRL_FLUSH;
}

static int choose_h2(
    SSL *ssl, const unsigned char **chosen, unsigned char *chosen_bytes,
    const unsigned char *offered, unsigned int offered_bytes, void *unused) {
  (void)ssl, (void)unused;
  int result = SSL_select_next_proto(
      (unsigned char **)chosen, chosen_bytes, h2, sizeof h2, offered, offered_bytes);
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

static void prepare(const SSL_METHOD *side) {
  SSL_CTX *context = SSL_CTX_new(side);
  if (context == NULL) give_up("SSL_CTX_new");
  context_of_all = context;
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_CTX_set1_groups_list(context, "X25519:P-256");
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION);
  /* An idle connection keeps no buffers; resumption is by tickets alone. */
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);

  method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "turn");
  if (method == NULL) give_up("BIO_meth_new");
  BIO_meth_set_write(method, bio_write);
  BIO_meth_set_read(method, bio_read);
  BIO_meth_set_ctrl(method, bio_control);
}

void tls_prepare_server(const char *chain, const char *key) {
  prepare(TLS_server_method());
  SSL_CTX *context = context_of_all;
  if (SSL_CTX_use_certificate_chain_file(context, chain) != 1) give_up(chain);
  if (SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1) give_up(key);
  SSL_CTX_set_alpn_select_cb(context, choose_h2, NULL);
}

void tls_prepare_client(const char *roots) {
  is_client = 1;
  prepare(TLS_client_method());
  if (SSL_CTX_load_verify_file(context_of_all, roots) != 1) give_up(roots);
  SSL_CTX_set_verify(context_of_all, SSL_VERIFY_PEER, NULL);
  if (SSL_CTX_set_alpn_protos(context_of_all, h2, sizeof h2) != 0) give_up("ALPN");
}

tls *tls_new(void) {
  tls *t = calloc(1, sizeof *t);
  BIO *bio = BIO_new(method);
  if (t == NULL || bio == NULL || (t->ssl = SSL_new(context_of_all)) == NULL) give_up("SSL_new");
  BIO_set_data(bio, t);
  BIO_set_init(bio, 1);
  SSL_set_bio(t->ssl, bio, bio);
  if (!is_client) {
    SSL_set_accept_state(t->ssl);
    return t;
  }
  if (SSL_set_tlsext_host_name(t->ssl, "localhost") != 1) give_up("server name");
  if (SSL_set1_host(t->ssl, "localhost") != 1) give_up("host");
  SSL_set_connect_state(t->ssl);
  SSL_do_handshake(t->ssl);
  return t;
}

void tls_free(tls *t) {
  SSL_free(t->ssl);
  free(t->unsent);
  free(t);
}

int tls_is_open(const tls *t) { return SSL_is_init_finished(t->ssl); }

int tls_receive(
    tls *t, const uint8_t *bytes, size_t count,
    int (*take)(void *context, const uint8_t *bytes, size_t count), void *context) {
  static uint8_t plain[PLAIN_BYTES];
  t->arrived = bytes;
  t->arrived_bytes = count;
  for (;;) {
    ERR_clear_error();
    int result = SSL_read(t->ssl, plain, sizeof plain);
    if (result <= 0) return SSL_get_error(t->ssl, result) == SSL_ERROR_WANT_READ ? 0 : -1;
    /* A client that offers no ALPN gets past choose_h2, and a server may choose nothing. */
    const unsigned char *protocol;
    unsigned int protocol_bytes;
    SSL_get0_alpn_selected(t->ssl, &protocol, &protocol_bytes);
    if (protocol_bytes == 0) return -1;
    if (take(context, plain, (size_t)result) < 0) return -1;
  }
}

int tls_encrypt(tls *t, const uint8_t *bytes, size_t count) {
  if (count == 0) return 0;
  ERR_clear_error();
  return SSL_write(t->ssl, bytes, (int)count) == (int)count ? 0 : -1;
}

/* Returns how many bytes the socket took, or -1. */
static ssize_t send_some(int socket, const uint8_t *bytes, size_t count) {
  size_t sent = 0;
  while (sent < count) {
    ssize_t result = send(socket, bytes + sent, count - sent, MSG_NOSIGNAL);
    if (result < 0 && errno == EINTR) continue;
    if (result < 0 && errno == EAGAIN) break;
    if (result < 0) return -1;
    sent += (size_t)result;
  }
  return (ssize_t)sent;
}

int tls_flush(tls *t, int socket) {
  /* In their order: behind what is unsent from before. */
  if (t->unsent_end > 0) {
    keep(t, shared, shared_bytes);
    shared_bytes = 0;
    ssize_t sent = send_some(socket, t->unsent + t->unsent_start, t->unsent_end - t->unsent_start);
    if (sent < 0) return -1;
    t->unsent_start += (size_t)sent;
    if (t->unsent_start < t->unsent_end) return 0;
    free(t->unsent);
    t->unsent = NULL;
    t->unsent_start = t->unsent_end = t->unsent_room = 0;
    return 1;
  }
  ssize_t sent = send_some(socket, shared, shared_bytes);
  size_t left = sent < 0 ? 0 : shared_bytes - (size_t)sent;
  keep(t, shared + (shared_bytes - left), left);
  shared_bytes = 0;
  return sent < 0 ? -1 : left == 0;
}

const char *tls_failure(const tls *t) {
  long result = SSL_get_verify_result(t->ssl);
  if (result != X509_V_OK) return X509_verify_cert_error_string(result);
  return SSL_is_init_finished(t->ssl) ? NULL : "the handshake broke off";
}
