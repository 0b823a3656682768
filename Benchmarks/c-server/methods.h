/* What the server's methods do with their streams. */
#pragma once
#include "connection.h"

/* Reads the answer of all unary calls. With `streams`, paths are looked at, and the streaming
 * methods served. */
void methods_prepare(const char *answer_path, int streams);
/* A session of the server, with its settings submitted. */
void methods_start(connection *c);
/* Before the connection is freed. */
void methods_end(connection *c);
