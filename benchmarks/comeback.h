/**
 * Clients that lose their sockets and resume their sessions, each at another node than it was at.
 */
#ifndef BENCHMARKS_COMEBACK_H
#define BENCHMARKS_COMEBACK_H

#include "benchmarks/client.h"

/** Cuts their sockets, and returns when the nodes have `left` sessions attached. The clients' handlers are taken over, here and below. */
void comeback_drop(struct client **, size_t count, uint64_t left);
/** Each resumes at the node after the one it was at, `in_flight` at a time; returns when all are welcome, and dies when a session was lost. */
void comeback_resume(struct client **, size_t count, size_t in_flight);

#endif
