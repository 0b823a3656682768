#include <nghttp2/nghttp2.h>
/* malloc_usable_size, for what nghttp2 allocates. */
#include <malloc.h>
