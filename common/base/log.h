/**
 * The log: one line an event, to stderr, as `key=value` or as JSON.
 *
 *     log_info("redis.connected", LOG_STR("mode", "standalone"), LOG_U64("took_ms", 12));
 *     log_warn("session.refused", LOG_ID("session", &id), LOG_CSTR("why", err_text(e)));
 *
 * Every line has a subject, so there is at least one field. Event names are `noun.participle`. Values are quoted and escaped as their format needs. Never SDP,
 * candidates, tokens, keys; never a network address above debug level.
 *
 * Trouble comes in thousands. Of each event at warn and error five lines a second are written, whatever their fields; the next one says in `unsaid` how many
 * there were besides. (So an event's name is a literal.) The log is the one thing in the process that is global: everybody's, set once by main.
 */
#ifndef COMMON_BASE_LOG_H
#define COMMON_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/id.h"
#include "common/base/slice.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct log_field {
    const char *key; /* NULL ends the list */
    enum { LOG_FIELD_TEXT, LOG_FIELD_U64, LOG_FIELD_I64 } kind;
    struct slice text;
    uint64_t u64;
    int64_t i64;
};

#define LOG_STR(k, s) ((struct log_field){.key = (k), .kind = LOG_FIELD_TEXT, .text = (s)})
#define LOG_CSTR(k, s) LOG_STR(k, slice_of(s))
#define LOG_ID(k, id) LOG_STR(k, id_slice(id))
#define LOG_U64(k, n) ((struct log_field){.key = (k), .kind = LOG_FIELD_U64, .u64 = (n)})
#define LOG_I64(k, n) ((struct log_field){.key = (k), .kind = LOG_FIELD_I64, .i64 = (n)})
#define LOG_END ((struct log_field){0})

#define log_debug(event, ...) log_event(LOG_DEBUG, event, (const struct log_field[]){__VA_ARGS__, LOG_END})
#define log_info(event, ...) log_event(LOG_INFO, event, (const struct log_field[]){__VA_ARGS__, LOG_END})
#define log_warn(event, ...) log_event(LOG_WARN, event, (const struct log_field[]){__VA_ARGS__, LOG_END})
#define log_error(event, ...) log_event(LOG_ERROR, event, (const struct log_field[]){__VA_ARGS__, LOG_END})

/** What is below `level` is dropped. `node` stands in every line (may be ""); copied, cut at 31 characters. */
void log_setup(enum log_level level, enum log_format, const char *node);
/** Whether such a line would be written: for fields that are dear to make. */
bool log_wants(enum log_level);
/** One line; `fields` end with LOG_END. Use the macros above. */
void log_event(enum log_level, const char *event, const struct log_field *fields);

#endif
