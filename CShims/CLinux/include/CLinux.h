#ifndef TERN_CLINUX_H
#define TERN_CLINUX_H

// What Linux offers and Swift's Glibc module does not show.
// No _GNU_SOURCE here: it would change what the Glibc overlay means. The functions that need it
// are declared by hand.
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

int accept4(int descriptor, struct sockaddr *address, socklen_t *length, int flags);

/// How many processors this thread may run on (its affinity mask), or 0 if it cannot be told.
int tern_usable_processors(void);

/// While handled, `signal` adds 1 to the eventfd `descriptor` and does nothing else.
/// The handler that was there before is kept, and comes back with `tern_restore_signal`.
/// Returns 0, or an errno value.
int tern_handle_signal(int signal, int descriptor);
int tern_restore_signal(int signal);

#endif
