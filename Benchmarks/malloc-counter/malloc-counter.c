/* Counts heap allocations of a program that is not built for it. To be preloaded:
 *
 *     MALLOC_COUNTER_FILE=count LD_PRELOAD=./malloc-counter.so program
 *
 * The count stands as one 64-bit number in that file, mapped by both sides: whoever measures
 * reads it before and after, and disturbs nobody. A realloc counts as one, a free as none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* glibc's own entries, so that no dlsym (which allocates) is needed. */
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

static _Atomic uint64_t before_mapping;
static _Atomic uint64_t *counter = &before_mapping;

static void count_one(void) { atomic_fetch_add_explicit(counter, 1, memory_order_relaxed); }

__attribute__((constructor)) static void map_counter(void) {
  const char *path = getenv("MALLOC_COUNTER_FILE");
  if (path == NULL) return;
  int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return;
  if (ftruncate(file, sizeof *counter) == 0) {
    void *memory = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (memory != MAP_FAILED) counter = memory;
  }
  close(file);
}

void *malloc(size_t bytes) {
  count_one();
  return __libc_malloc(bytes);
}

void *calloc(size_t count, size_t bytes) {
  count_one();
  return __libc_calloc(count, bytes);
}

void *realloc(void *memory, size_t bytes) {
  count_one();
  return __libc_realloc(memory, bytes);
}

void *memalign(size_t alignment, size_t bytes) {
  count_one();
  return __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }

int posix_memalign(void **result, size_t alignment, size_t bytes) {
  void *memory = memalign(alignment, bytes);
  if (memory == NULL) return ENOMEM;
  *result = memory;
  return 0;
}
