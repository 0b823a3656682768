// sched.h shows sched_getaffinity and the CPU_ macros only under _GNU_SOURCE; this file exports
// no header of Glibc's, so here it is harmless.
#define _GNU_SOURCE
#include "CLinux.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

int tern_usable_processors(void) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return 0;
  return CPU_COUNT(&set);
}

#define TERN_SIGNALS 65
static _Atomic int signal_descriptors[TERN_SIGNALS];  // descriptor + 1, so that 0 means none
static struct sigaction replaced[TERN_SIGNALS];

// Only what a signal handler may do: write(2) to an eventfd, errno kept.
static void note_signal(int signal) {
  int saved = errno;
  int descriptor = atomic_load(&signal_descriptors[signal]) - 1;
  if (descriptor >= 0) {
    uint64_t one = 1;
    ssize_t ignored = write(descriptor, &one, sizeof one);
    (void)ignored;
  }
  errno = saved;
}

int tern_handle_signal(int signal, int descriptor) {
  if (signal <= 0 || signal >= TERN_SIGNALS) return EINVAL;
  int expected = 0;
  if (!atomic_compare_exchange_strong(&signal_descriptors[signal], &expected, descriptor + 1)) {
    return EBUSY;
  }
  struct sigaction action = {0};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  if (sigaction(signal, &action, &replaced[signal]) != 0) {
    int code = errno;
    atomic_store(&signal_descriptors[signal], 0);
    return code;
  }
  return 0;
}

int tern_restore_signal(int signal) {
  if (signal <= 0 || signal >= TERN_SIGNALS) return EINVAL;
  if (atomic_load(&signal_descriptors[signal]) == 0) return 0;
  int code = sigaction(signal, &replaced[signal], NULL) == 0 ? 0 : errno;
  atomic_store(&signal_descriptors[signal], 0);
  return code;
}
