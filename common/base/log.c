#include "common/base/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/base/buf.h"
#include "common/base/clock.h"
#include "common/base/utf8.h"

enum { NODE_MAX = 31, VALUE_MAX = 1024, LINE_MAX_BYTES = 65536 };

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* The one thing in the process that is global: set once by main, before that as here. */
static struct {
    enum log_level level;
    enum log_format format;
    char node[NODE_MAX + 1];
} setup = {.level = LOG_INFO, .format = LOG_FORMAT_TEXT};

/* What went wrong a moment ago, each event once. One that finds no place is told each time. */
enum { TROUBLES_MAX = 32, TOLD_PER_S = 5 };
static struct trouble {
    const char *event; /* NULL ends the list */
    uint64_t began_ms; /* of its second */
    unsigned told;     /* in that second */
    uint64_t unsaid;   /* since it was told last */
} troubles[TROUBLES_MAX];

/*
 * Whether a line about trouble is to be written. A store that is full refuses each request: as many lines would say no more than the first, and push it out
 * of every log that is kept to a size.
 */
static bool may_tell(const char *event, uint64_t *ret_unsaid)
{
    uint64_t now_ms = clock_steady_ms();
    size_t i = 0;
    while (i < TROUBLES_MAX && troubles[i].event && strcmp(troubles[i].event, event) != 0)
        i++;
    if (i == TROUBLES_MAX)
        return true;
    struct trouble *t = &troubles[i];
    if (!t->event || now_ms - t->began_ms >= 1000)
        *t = (struct trouble){.event = event, .began_ms = now_ms, .unsaid = t->unsaid};
    if (t->told == TOLD_PER_S) {
        t->unsaid++;
        return false;
    }
    t->told++;
    *ret_unsaid = t->unsaid;
    t->unsaid = 0;
    return true;
}

/* Longer values are cut between characters, and "..." says so. */
static struct slice cut(struct slice s, bool *ret_cut)
{
    *ret_cut = s.n > VALUE_MAX;
    if (!*ret_cut)
        return s;
    s.n = VALUE_MAX;
    while (s.n > VALUE_MAX - 4 && ((unsigned char)s.p[s.n] & 0xc0) == 0x80)
        s.n--;
    return s;
}

/* Control characters never reach a terminal; bytes that are no text reach no JSON parser. */
static void put_escaped(struct buf *line, struct slice s)
{
    bool json = setup.format == LOG_FORMAT_JSON, was_cut;
    s = cut(s, &was_cut);
    bool is_text = utf8_is_valid(s);
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        if (c == '"' || c == '\\') {
            buf_put_char(line, '\\');
            buf_put_char(line, (char)c);
        } else if (c == '\n') {
            buf_put_cstr(line, "\\n");
        } else if (c < 0x20 || c == 0x7f) {
            buf_putf(line, json ? "\\u%04x" : "\\x%02x", c);
        } else if (c >= 0x80 && !is_text) {
            buf_putf(line, json ? "\\ufffd" : "\\x%02x", c);
        } else {
            buf_put_char(line, (char)c);
        }
    }
    if (was_cut)
        buf_put_cstr(line, "...");
}

static bool is_plain(struct slice s)
{
    if (s.n == 0 || s.n > VALUE_MAX)
        return false;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] <= ' ' || s.p[i] > '~' || s.p[i] == '"' || s.p[i] == '\\' || s.p[i] == '=')
            return false;
    return true;
}

static void put_key(struct buf *line, const char *key)
{
    if (setup.format == LOG_FORMAT_JSON)
        buf_putf(line, line->n ? ",\"%s\":" : "{\"%s\":", key);
    else
        buf_putf(line, line->n ? " %s=" : "%s=", key);
}

static void put_text(struct buf *line, const char *key, struct slice value)
{
    put_key(line, key);
    if (setup.format == LOG_FORMAT_TEXT && is_plain(value)) {
        buf_put(line, value);
        return;
    }
    buf_put_char(line, '"');
    put_escaped(line, value);
    buf_put_char(line, '"');
}

static void put_field(struct buf *line, const struct log_field *f)
{
    switch (f->kind) {
    case LOG_FIELD_TEXT:
        put_text(line, f->key, f->text);
        return;
    case LOG_FIELD_U64:
        put_key(line, f->key);
        buf_put_u64(line, f->u64);
        return;
    case LOG_FIELD_I64:
        put_key(line, f->key);
        buf_putf(line, "%lld", (long long)f->i64);
        return;
    }
}

static void put_head(struct buf *line, enum log_level level, const char *event)
{
    uint64_t now_ms = clock_wall_ms();
    time_t seconds = (time_t)(now_ms / 1000);
    struct tm tm;
    char date[64], time[72];
    gmtime_r(&seconds, &tm);
    date[strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &tm)] = '\0';
    snprintf(time, sizeof time, "%s.%03uZ", date, (unsigned)(now_ms % 1000));
    put_text(line, "time", slice_of(time));
    put_text(line, "level", slice_of(level_names[level]));
    if (setup.node[0] != '\0')
        put_text(line, "node", slice_of(setup.node));
    put_text(line, "event", slice_of(event));
}

static void end_line(struct buf *line)
{
    buf_put_cstr(line, setup.format == LOG_FORMAT_JSON ? "}\n" : "\n");
}

/* One write a line, so that lines of several processes on one stderr do not mix. If it fails there is nobody to tell. */
static void write_line(struct slice line)
{
    while (line.n > 0) {
        ssize_t n = write(STDERR_FILENO, line.p, line.n);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        line.p += n;
        line.n -= (size_t)n;
    }
}

void log_setup(enum log_level level, enum log_format format, const char *node)
{
    setup.level = level;
    setup.format = format;
    snprintf(setup.node, sizeof setup.node, "%s", node);
}

bool log_wants(enum log_level level)
{
    return level >= setup.level;
}

void log_event(enum log_level level, const char *event, const struct log_field *fields)
{
    struct buf line;
    int saved_errno = errno;
    uint64_t unsaid = 0;
    if (!log_wants(level) || (level >= LOG_WARN && !may_tell(event, &unsaid)))
        return;
    buf_init(&line, LINE_MAX_BYTES);
    put_head(&line, level, event);
    for (const struct log_field *f = fields; f->key; f++)
        put_field(&line, f);
    if (unsaid > 0)
        put_field(&line, &LOG_U64("unsaid", unsaid));
    end_line(&line);
    if (buf_failed(&line)) {
        buf_clear(&line);
        put_head(&line, level, event);
        put_text(&line, "lost", SLICE("the line is too long"));
        end_line(&line);
    }
    write_line(buf_slice(&line));
    buf_finish(&line);
    errno = saved_errno;
}
