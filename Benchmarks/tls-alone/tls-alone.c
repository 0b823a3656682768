/* What TLS costs in OpenSSL alone: messages of 1 MiB through two sessions in memory.
 *
 * `openssl speed` shows the cipher; records, their headers and their copies are OpenSSL's as well,
 * and no library on top of it can do without them.
 *
 *     tls-alone CERTIFICATES KEY    prints the CPU-µs of writing and reading one message
 */
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MESSAGE_BYTES = 1 << 20, RECORD_BYTES = 16 << 10, MESSAGES = 300 };

static double microseconds(void) {
  struct timespec time;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
  return (double)time.tv_sec * 1e6 + (double)time.tv_nsec / 1e3;
}

int main(int count, char **arguments) {
  if (count != 3) return fputs("usage: tls-alone CERTIFICATES KEY\n", stderr), 2;
  SSL_CTX *server_context = SSL_CTX_new(TLS_method()), *client_context = SSL_CTX_new(TLS_method());
  if (SSL_CTX_use_certificate_chain_file(server_context, arguments[1]) != 1 ||
      SSL_CTX_use_PrivateKey_file(server_context, arguments[2], SSL_FILETYPE_PEM) != 1) {
    return fputs("tls-alone: cannot use the certificate\n", stderr), 1;
  }
  SSL *server = SSL_new(server_context), *client = SSL_new(client_context);
  BIO *near = NULL, *far = NULL;
  if (BIO_new_bio_pair(&near, 2 * MESSAGE_BYTES, &far, 2 * MESSAGE_BYTES) != 1) return 1;
  SSL_set_bio(server, near, near);
  SSL_set_bio(client, far, far);
  SSL_set_accept_state(server);
  SSL_set_connect_state(client);
  for (int step = 0; step < 4; step++) {
    SSL_do_handshake(client);
    SSL_do_handshake(server);
  }
  char *message = calloc(1, MESSAGE_BYTES), *received = malloc(MESSAGE_BYTES);
  if (message == NULL || received == NULL) return 1;
  double began = 0;
  /* The first one warms up. */
  for (int number = 0; number <= MESSAGES; number++) {
    if (number == 1) began = microseconds();
    for (int sent = 0; sent < MESSAGE_BYTES; sent += RECORD_BYTES) {
      if (SSL_write(client, message + sent, RECORD_BYTES) != RECORD_BYTES) return 1;
    }
    for (int taken = 0; taken < MESSAGE_BYTES;) {
      int more = SSL_read(server, received + taken, MESSAGE_BYTES - taken);
      if (more <= 0) return fputs("tls-alone: nothing came\n", stderr), 1;
      taken += more;
    }
  }
  printf("%.1f\n", (microseconds() - began) / MESSAGES);
  return 0;
}
