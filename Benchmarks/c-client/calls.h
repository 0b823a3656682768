/* What the client's modes do with their streams. */
#pragma once
#include "../c-server/connection.h"

typedef enum { UNARY, DOWNLOAD, UPLOAD, CHAT } mode;

typedef struct {
  mode mode;
  const char *scheme, *authority;
  uint32_t operations, warm_up, at_once;
  int32_t body_bytes;
  /* Of an upload, all its streams together; 0: as fast as it goes. */
  uint64_t bytes_per_second;
} load;

/* Of the counted operations. */
typedef struct {
  double seconds, cpu_seconds;
  /* Nanoseconds of each operation, in the order of their ends; none where messages stream. */
  uint64_t *latencies;
  uint32_t latency_count;
} measured;

/* A session of the client, with its settings submitted. The load has to outlive it. */
void calls_prepare(connection *c, const load *what);
/* The first calls, to be sent at the next flush. */
void calls_begin(void);
/* Lets go what a paced upload has to have sent by now; to be called every now and then. */
void calls_pace(void);
/* NULL as long as there is something to be done. */
const measured *calls_result(void);
/* Ends the program, for the reason that is given as to printf. */
__attribute__((noreturn, format(printf, 1, 2))) void fail(const char *reason, ...);
