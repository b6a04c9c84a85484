/**
 * What a command says to the person at the terminal, before there is a log.
 */
#ifndef NODE_PRINT_H
#define NODE_PRINT_H

#include "common/base/buf.h"

/** The exit code for mistakes in how the program was called; failures while running are 1. */
enum { EXIT_USAGE = 2 };

/** A buffer for what is to be printed: a text, or problems, a line each. */
void print_init(struct buf *text);
/** Each line to stderr, behind the program's name. Nothing when there is none. */
void print_problems(const struct buf *problems);
/** To stdout, as it is; false when that fails. */
bool print_text(const struct buf *text);

#endif
