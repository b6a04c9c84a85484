#include "common/wire/fields.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "common/base/ascii.h"
#include "common/base/name.h"
#include "common/wire/twins.h"

enum { ID_MAX_BYTES = 40 };

/* Where a sentence is put together, should there be something to say. */
struct sentence {
    const char *subject; /* NULL: it has begun */
    struct why why;      /* where it goes in the end */
    size_t n;
    char text[WHY_SIZE];
};

static void say(struct sentence *s, const char *fmt, ...) ATTR_PRINTF(2, 3);

static void say(struct sentence *s, const char *fmt, ...)
{
    va_list args;
    const char *subject = s->subject;

    s->subject = NULL;
    if (subject)
        say(s, "`%s` is ", subject);
    if (s->n >= sizeof s->text)
        return;
    va_start(args, fmt);
    int n = vsnprintf(s->text + s->n, sizeof s->text - s->n, fmt, args);
    va_end(args);
    s->n += n > 0 ? (size_t)n : 0;
}

static bool has_max(const struct field *row)
{
    return row->max >= row->min && (row->max != 0 || row->min != 0) && row->max != INT64_MAX;
}

static bool has_min(const struct field *row)
{
    return row->min != 0 || (row->kind == FIELD_INT && has_max(row));
}

static bool is_above_max(const struct field *row, size_t n)
{
    return has_max(row) && n > (uint64_t)row->max;
}

static bool is_below_min(const struct field *row, size_t n)
{
    return row->min > 0 && n < (uint64_t)row->min;
}

/* " from 1 to 5", " of at most 9 bytes" and so on, or nothing where there is no bound. */
static void say_bounds(struct sentence *s, const struct field *row, const char *unit)
{
    const char *of = row->kind == FIELD_INT ? "from " : "of ";
    if (has_min(row) && has_max(row) && row->min == row->max)
        say(s, " of %" PRId64 "%s", row->min, unit);
    else if (has_min(row) && has_max(row))
        say(s, " %s%" PRId64 " to %" PRId64 "%s", of, row->min, row->max, unit);
    else if (has_max(row))
        say(s, " of at most %" PRId64 "%s", row->max, unit);
    else if (has_min(row))
        say(s, " of at least %" PRId64 "%s", row->min, unit);
}

static void say_words(struct sentence *s, const char *words)
{
    struct slice rest = slice_of(words), word;
    const char *comma = "";
    say(s, "one of ");
    for (; slice_split(&rest, '|', &word); comma = ", ")
        say(s, "%s%.*s", comma, SLICE_FMT(word));
}

#define NAME_CHARACTERS "1 to 64 of A-Z a-z 0-9 . _ @ : + -"

static void say_wanted(struct sentence *s, const struct field *row)
{
    switch (row->kind) {
    case FIELD_STRING:
        say(s, "a string");
        say_bounds(s, row, " bytes");
        return;
    case FIELD_NAME:
        say(s, "a name: " NAME_CHARACTERS);
        return;
    case FIELD_ID:
        say(s, "an id: 1 to 40 of A-Z a-z 0-9 _ -");
        return;
    case FIELD_INT:
        say(s, "an integer");
        say_bounds(s, row, "");
        return;
    case FIELD_BOOL:
        say(s, "a boolean");
        return;
    case FIELD_MAP:
        say(s, "an object");
        say_bounds(s, row, " keys");
        return;
    case FIELD_ARRAY:
        say(s, "an array");
        say_bounds(s, row, " items");
        return;
    case FIELD_NAMES:
        say(s, "an array");
        say_bounds(s, row, " names");
        say(s, "%s, each " NAME_CHARACTERS ", none twice", has_min(row) || has_max(row) ? "" : " of names");
        return;
    case FIELD_ONE_OF:
        say_words(s, row->words);
        return;
    }
}

/* "`peer` is …" stands there: ends the sentence. */
static enum err refuse(struct sentence *s, const struct field *row, enum err err)
{
    say(s, "; it should be ");
    say_wanted(s, row);
    return why_fail(s->why, err, "%s", s->text);
}

static enum err check_size(struct sentence *s, const struct field *row, size_t n, const char *what, const char *unit)
{
    bool is_long = is_above_max(row, n);
    if (!is_long && !is_below_min(row, n))
        return ERR_OK;
    say(s, "%s of %zu %s", what, n, unit);
    return refuse(s, row, is_long && row->kind != FIELD_MAP ? ERR_TOO_LARGE : ERR_BAD_REQUEST);
}

static bool is_one_of(struct slice s, const char *words)
{
    struct slice rest = slice_of(words), word;
    while (slice_split(&rest, '|', &word))
        if (slice_eq(word, s))
            return true;
    return false;
}

static enum err check_string(struct sentence *s, const struct field *row, struct slice string)
{
    switch (row->kind) {
    case FIELD_NAME:
        if (name_is_valid(string))
            return ERR_OK;
        say(s, "a string of %zu bytes that is no name", string.n);
        return refuse(s, row, ERR_BAD_REQUEST);
    case FIELD_ID:
        if (string.n > 0 && string.n <= ID_MAX_BYTES && ascii_is_made_of(string, "_-"))
            return ERR_OK;
        say(s, "a string of %zu bytes that is no id", string.n);
        return refuse(s, row, ERR_BAD_REQUEST);
    case FIELD_ONE_OF:
        if (is_one_of(string, row->words))
            return ERR_OK;
        say(s, "another word");
        return refuse(s, row, ERR_BAD_REQUEST);
    default:
        return check_size(s, row, string.n, "a string", "bytes");
    }
}

static enum err check_int(struct sentence *s, const struct field *row, int64_t n)
{
    if ((!has_max(row) || n <= row->max) && (!has_min(row) || n >= row->min))
        return ERR_OK;
    say(s, "%" PRId64, n);
    return refuse(s, row, ERR_BAD_REQUEST);
}

static enum err check_names(struct sentence *s, const struct field *row, const struct wire_value *array)
{
    size_t n = array->array.n;
    const struct wire_value *items = array->array.items;
    enum err err = check_size(s, row, n, "an array", "items");
    if (err != ERR_OK)
        return err;
    if (n > WIRE_TWINS_MAX) {
        say(s, "an array of %zu items, and %d is the limit", n, (int)WIRE_TWINS_MAX);
        return refuse(s, row, ERR_TOO_LARGE);
    }
    for (size_t i = 0; i < n; i++) {
        if (items[i].kind == WIRE_STRING && name_is_valid(items[i].string))
            continue;
        say(s, "an array with %s", wire_kind_name(items[i].kind));
        say(s, "%s as item %zu", items[i].kind == WIRE_STRING ? " that is no name" : "", i + 1);
        return refuse(s, row, ERR_BAD_REQUEST);
    }
    if (n == 0 || !wire_twins_find(&items->string, sizeof(*items), n))
        return ERR_OK;
    say(s, "an array that holds a name twice");
    return refuse(s, row, ERR_BAD_REQUEST);
}

static enum wire_kind kind_of(enum field_kind kind)
{
    switch (kind) {
    case FIELD_STRING:
    case FIELD_NAME:
    case FIELD_ID:
    case FIELD_ONE_OF:
        return WIRE_STRING;
    case FIELD_INT:
        return WIRE_INT;
    case FIELD_BOOL:
        return WIRE_BOOL;
    case FIELD_MAP:
        return WIRE_MAP;
    case FIELD_ARRAY:
    case FIELD_NAMES:
        return WIRE_ARRAY;
    }
    return WIRE_NULL;
}

static enum err check_value(struct sentence *s, const struct field *row, const struct wire_value *value)
{
    if (value->kind != kind_of(row->kind)) {
        say(s, "%s", wire_kind_name(value->kind));
        return refuse(s, row, ERR_BAD_REQUEST);
    }
    switch (value->kind) {
    case WIRE_STRING:
        return check_string(s, row, value->string);
    case WIRE_INT:
        return check_int(s, row, value->integer);
    case WIRE_MAP:
        return check_size(s, row, value->map.n, "an object", "keys");
    case WIRE_ARRAY:
        if (row->kind == FIELD_NAMES)
            return check_names(s, row, value);
        return check_size(s, row, value->array.n, "an array", "items");
    default:
        return ERR_OK;
    }
}

enum err fields_check(const struct wire_value *message, const struct field *rows, struct why why)
{
    struct sentence s;
    s.why = why;
    s.n = 0;
    for (const struct field *row = rows; row->name; row++) {
        const struct wire_value *value = wire_get(message, row->name);
        enum err err = ERR_OK;

        s.subject = row->name;
        if (value && value->kind != WIRE_NULL) {
            err = check_value(&s, row, value);
        } else if (row->required) {
            say(&s, "missing");
            err = refuse(&s, row, ERR_BAD_REQUEST);
        }
        if (err != ERR_OK)
            return err;
    }
    return ERR_OK;
}
