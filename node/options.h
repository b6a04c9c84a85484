/**
 * Settings as a table: from one list of rows come the command line, the environment, the config file, `--help` and the reference page.
 *
 * A row names a field of a plain struct; the field's type decides what kind of value it takes:
 *
 *     const char *const *  a list of texts, ending with NULL (never NULL itself)
 *     const char *         a text, NULL when not given
 *     uint64_t             a number between min and max
 *     bool                 a flag
 *     an enum              one of the row's words; the enum's values are their positions
 *
 * Where one is given twice the nearer source wins: command line, environment, file, default. A list is taken from one source as a whole.
 * Everything wrong is told at once, each with what it was, what it should be and where it came from; secrets are not repeated.
 */
#ifndef NODE_OPTIONS_H
#define NODE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/buf.h"
#include "common/base/err.h"
#include "common/base/slice.h"

enum option_kind { OPTION_LIST, OPTION_TEXT, OPTION_NUMBER, OPTION_FLAG, OPTION_CHOICE };

struct option {
    const char *name; /* the field's: `redis_dir` is `--redis-dir`, `SWITCHBOARD_REDIS_DIR` and `redis-dir = …` */
    enum option_kind kind;
    size_t offset;
    const char *group;    /* heading in help; rows of one group stand together */
    const char *value;    /* what stands for the value in help: "FILE"; of a choice its words: "text|json" */
    const char *fallback; /* the default, as one would write it; NULL: none */
    const char *absent;   /* in words what it means when nothing is given ("no limit"); NULL: nothing to say */
    uint64_t min, max;
    const char *unit; /* of a number: "ms", "bytes"; NULL: a plain count */
    bool secret;      /* never printed */
    bool required;
    bool not_in_file;
    const char *help; /* a sentence without a full stop */
};

/** What kind of option a field makes. */
#define OPTION_KIND(type, field) \
    _Generic(((const type *)0)->field,           \
        const char *const *: OPTION_LIST,        \
        const char *: OPTION_TEXT,               \
        uint64_t: OPTION_NUMBER,                 \
        bool: OPTION_FLAG,                       \
        unsigned: OPTION_CHOICE)
/** The beginning of a row: {OPTION(struct config, grace_ms), .fallback = "20000", …}. */
#define OPTION(type, field) .name = #field, .kind = OPTION_KIND(type, field), .offset = offsetof(type, field)

struct option_table {
    const struct option *rows;
    size_t count;
    size_t size;             /* of the struct */
    const char *env_prefix;  /* "SWITCHBOARD_"; NULL: the environment is not looked at */
    const char *file_option; /* the text option that names the config file; NULL: there is none */
};

struct option_sources {
    int argc; /* what stands behind the subcommand */
    const char *const *argv;
    const char *const *environ; /* ends with NULL */
};

/** The texts that the filled struct points to. */
struct option_memory;
void option_memory_free(struct option_memory *);

/**
 * Fills the struct: fields that no row names become zero. On ERR_OK the caller frees *ret_memory when the struct is no longer used. Else `problems` has
 * one line for each thing that is wrong and nothing else was changed: ERR_SYNTAX for mistakes in the settings, ERR_IO if the config file can't be read.
 * In options_read.c and options_gather.c.
 */
enum err options_read(const struct option_table *, const struct option_sources *, void *ret_struct,
                      struct option_memory **ret_memory, struct buf *problems) ATTR_MUST_USE;

/** The list that `--help` prints: by groups, aligned, with defaults and units. */
void options_help(const struct option_table *, struct buf *out);
/** The same as Markdown tables, one a group. */
void options_markdown(const struct option_table *, struct buf *out);

/** The row that `text` names exactly, written with `dash` ('-' on the command line and in files, '_' for capitals as in the environment), or NULL. */
const struct option *option_find(const struct option_table *, struct slice text, char dash);
/** The row that `text` was probably meant to be, or NULL. */
const struct option *option_guess(const struct option_table *, struct slice text);

/** The option as written on the command line, without the dashes, and as an environment variable. Used by help and messages. */
void option_put_name(const struct option *, struct buf *out);
void option_put_env(const struct option_table *, const struct option *, struct buf *out);
/** "a number from 1 to 100 ms": what its value should be. */
void option_put_wanted(const struct option *, struct buf *out);

#endif
