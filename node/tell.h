/**
 * What a command says to the person at the terminal, before there is a log.
 */
#ifndef NODE_TELL_H
#define NODE_TELL_H

#include "common/base/buf.h"

/** The exit code for mistakes in how the program was called; failures while running are 1. */
enum { EXIT_USAGE = 2 };

/** A buffer for problems, a line each. */
void tell_init(struct buf *problems);
/** Each line to stderr, behind the program's name. Nothing when there is none. */
void tell_problems(const struct buf *problems);
/** To stdout, as it is; false when that fails. */
bool tell(const struct buf *text);

#endif
