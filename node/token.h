/**
 * `switchboard token`: signs a token for trying things out and for scripts.
 */
#ifndef NODE_TOKEN_H
#define NODE_TOKEN_H

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"

/** argv is what stands behind `token`. Prints the token. Returns the exit code: 0, 1 when no token could be made, 2 for mistakes in the options. */
int token_main(int argc, const char *const *argv) ATTR_MUST_USE;

/** The same without a terminal: appends the token to `out`. ERR_SYNTAX for mistakes in the options; `problems` has a line for each thing that is wrong. */
enum err token_make(int argc, const char *const *argv, struct buf *out, struct buf *problems) ATTR_MUST_USE;

/** The options, as `switchboard token --help` lists them. */
void token_help(struct buf *out);

#endif
