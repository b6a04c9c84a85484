/**
 * The first half of options_read(): what was given, from all sources, before anybody asked whether it is good. For options_read.c.
 */
#ifndef NODE_OPTIONS_GATHER_H
#define NODE_OPTIONS_GATHER_H

#include <stddef.h>

#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/slice.h"
#include "node/options.h"

/** The nearer, the greater. */
enum origin { FROM_FILE, FROM_ENVIRONMENT, FROM_COMMAND_LINE };

/** One value as somebody gave it. */
struct given {
    const struct option *option;
    enum origin origin;
    unsigned line; /* in the file */
    struct slice text;
};

/** One run of options_read(). */
struct reading {
    const struct option_table *table;
    const struct option_sources *sources;
    const char *file; /* NULL: none is read */
    struct given *given;
    size_t given_count, given_room;
    struct option_memory *memory;
    struct buf *problems;
    enum err error; /* the first one */
};

/** Fills `given`; values stand in the order of their source. Mistakes go to `problems`. */
void reading_gather(struct reading *);
/** The last value of the nearest source, or NULL. */
const struct given *reading_find(const struct reading *, const struct option *);

/** Notes that something is wrong; the words go to `problems`. */
void reading_fail(struct reading *, enum err);
/** Zeroed, and as long-lived as the struct that is filled; never NULL. */
void *reading_alloc(struct reading *, size_t);
/** The text with a NUL behind it, in such memory. */
const char *reading_copy(struct reading *, struct slice);

#endif
