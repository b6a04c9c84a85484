/**
 * What the load generator says: rows of the table to stdout, and why it gave up to stderr.
 */
#ifndef BENCHMARKS_REPORT_H
#define BENCHMARKS_REPORT_H

#include "common/base/attr.h"

/** Prints and ends the process: a measurement with a mistake in it is none. */
ATTR_NORETURN void die(const char *fmt, ...) ATTR_PRINTF(1, 2);

/** One row: what was measured, and the result. */
void row(const char *what, const char *fmt, ...) ATTR_PRINTF(2, 3);

#endif
