/* Header fields that nghttp2 need not copy. */
#pragma once
#include <nghttp2/nghttp2.h>

#define FIELD(name, value)                                            \
  {                                                                   \
    (uint8_t *)name, (uint8_t *)value, sizeof name - 1, sizeof value - 1, \
        NGHTTP2_NV_FLAG_NO_COPY_NAME | NGHTTP2_NV_FLAG_NO_COPY_VALUE  \
  }
