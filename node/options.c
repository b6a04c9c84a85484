#include "node/options.h"

#include <ctype.h>
#include <string.h>

enum {
    NAME_BYTES_MAX = 64,
    HINT_DISTANCE_MAX = 2,
    HELP_COLUMNS = 100,
};

void option_put_name(const struct option *o, struct buf *out)
{
    for (const char *c = o->name; *c; c++)
        buf_put_char(out, *c == '_' ? '-' : *c);
}

void option_put_env(const struct option_table *table, const struct option *o, struct buf *out)
{
    buf_put_cstr(out, table->env_prefix);
    for (const char *c = o->name; *c; c++)
        buf_put_char(out, (char)toupper((unsigned char)*c));
}

/* Whether `text` is the field's name in a writing with `dash` for '_' ('_' itself for the environment, whose letters are capitals). */
static bool name_matches(struct slice text, const char *name, char dash)
{
    if (text.n != strlen(name))
        return false;
    for (size_t i = 0; i < text.n; i++) {
        char wanted = name[i] == '_' ? dash : name[i];
        if (text.p[i] != (dash == '_' ? (char)toupper((unsigned char)wanted) : wanted))
            return false;
    }
    return true;
}

const struct option *option_find(const struct option_table *table, struct slice text, char dash)
{
    for (size_t i = 0; i < table->count; i++) {
        if (name_matches(text, table->rows[i].name, dash))
            return &table->rows[i];
    }
    return NULL;
}

static char folded(char c)
{
    return c == '-' ? '_' : (char)tolower((unsigned char)c);
}

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* How many letters must be added, dropped, changed or swapped with their neighbour to make one of the other. */
static size_t name_distance(struct slice text, const char *name)
{
    size_t n = strlen(name);
    if (text.n >= NAME_BYTES_MAX || n >= NAME_BYTES_MAX)
        return SIZE_MAX;
    size_t rows[3][NAME_BYTES_MAX + 1] = {0};
    for (size_t j = 0; j <= n; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= text.n; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *second_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= n; j++) {
            size_t change = folded(text.p[i - 1]) == name[j - 1] ? 0 : 1;
            row[j] = min3(above[j] + 1, row[j - 1] + 1, above[j - 1] + change);
            bool swapped =
                i > 1 && j > 1 && folded(text.p[i - 1]) == name[j - 2] && folded(text.p[i - 2]) == name[j - 1];
            if (swapped && second_above[j - 2] + 1 < row[j])
                row[j] = second_above[j - 2] + 1;
        }
    }
    return rows[text.n % 3][n];
}

const struct option *option_guess(const struct option_table *table, struct slice text)
{
    const struct option *best = NULL;
    size_t best_distance = HINT_DISTANCE_MAX + 1;
    for (size_t i = 0; i < table->count; i++) {
        size_t distance = name_distance(text, table->rows[i].name);
        /* Two wrong letters of three are no slip of the finger. */
        if (distance < best_distance && distance * 2 < text.n) {
            best = &table->rows[i];
            best_distance = distance;
        }
    }
    return best;
}

void option_put_wanted(const struct option *o, struct buf *out)
{
    switch (o->kind) {
    case OPTION_NUMBER:
        buf_putf(out, "a number from %llu to %llu", (unsigned long long)o->min, (unsigned long long)o->max);
        if (o->unit)
            buf_putf(out, " (%s)", o->unit);
        break;
    case OPTION_FLAG:
        buf_put_cstr(out, "true or false");
        break;
    case OPTION_CHOICE:
        buf_putf(out, "one of %s", o->value);
        break;
    case OPTION_LIST:
    case OPTION_TEXT:
        buf_put_cstr(out, "a text");
        break;
    }
}

/* "8080", "embedded (…)", or nothing: what holds when it is not given. */
static void put_default(const struct option *o, struct buf *out)
{
    if (o->fallback)
        buf_put_cstr(out, o->fallback);
    else if (o->absent)
        buf_put_cstr(out, o->absent);
}

static bool has_default(const struct option *o)
{
    return o->fallback || o->absent;
}

/* "--grace-ms N", as it stands in the left column. */
static void put_usage(const struct option *o, struct buf *out)
{
    buf_put_cstr(out, "--");
    option_put_name(o, out);
    if (o->kind != OPTION_FLAG)
        buf_putf(out, " %s", o->value ? o->value : "N");
}

static size_t usage_width(const struct option_table *table)
{
    size_t width = 0;
    for (size_t i = 0; i < table->count; i++) {
        struct buf usage;
        buf_init(&usage, 256);
        put_usage(&table->rows[i], &usage);
        width = usage.n > width ? usage.n : width;
        buf_finish(&usage);
    }
    return width;
}

/* The sentence with what the columns of a table would say: unit, bounds, default, whether it may be repeated. */
static void put_sentence(const struct option *o, struct buf *out)
{
    buf_put_cstr(out, o->help);
    if (o->kind == OPTION_LIST)
        buf_put_cstr(out, "; may be repeated");
    const char *before = " (";
    if (o->kind == OPTION_NUMBER) {
        buf_putf(out, " (%llu to %llu%s%s", (unsigned long long)o->min, (unsigned long long)o->max, o->unit ? " " : "",
                 o->unit ? o->unit : "");
        before = "; ";
    }
    if (has_default(o)) {
        buf_putf(out, "%sdefault: ", before);
        put_default(o, out);
        before = "; ";
    }
    if (before[0] == ';')
        buf_put_char(out, ')');
}

static void put_spaces(struct buf *out, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_put_char(out, ' ');
}

/* `text` in lines that begin at column `indent`; the first one stands there already. */
static void put_wrapped(struct slice text, size_t indent, struct buf *out)
{
    size_t column = indent;
    struct slice word;
    for (bool first = true; slice_split(&text, ' ', &word); first = false) {
        if (!first && column + 1 + word.n > HELP_COLUMNS) {
            buf_put_char(out, '\n');
            put_spaces(out, indent);
            column = indent;
        } else if (!first) {
            buf_put_char(out, ' ');
            column++;
        }
        buf_put(out, word);
        column += word.n;
    }
    buf_put_char(out, '\n');
}

static bool begins_group(const struct option_table *table, size_t i)
{
    const char *group = table->rows[i].group;
    return group && (i == 0 || strcmp(group, table->rows[i - 1].group) != 0);
}

void options_help(const struct option_table *table, struct buf *out)
{
    size_t width = usage_width(table);
    for (size_t i = 0; i < table->count; i++) {
        const struct option *o = &table->rows[i];
        if (begins_group(table, i))
            buf_putf(out, "%s%s\n", i > 0 ? "\n" : "", o->group);
        size_t start = out->n;
        buf_put_cstr(out, "  ");
        put_usage(o, out);
        put_spaces(out, width + 4 - (out->n - start));
        struct buf sentence;
        buf_init(&sentence, 4096);
        put_sentence(o, &sentence);
        put_wrapped(buf_slice(&sentence), width + 4, out);
        buf_finish(&sentence);
    }
}

/* A bar would end the table's cell. */
static void put_cell(const char *text, struct buf *out)
{
    for (; *text; text++) {
        if (*text == '|')
            buf_put_char(out, '\\');
        buf_put_char(out, *text);
    }
}

static void put_values_cell(const struct option *o, struct buf *out)
{
    if (o->kind == OPTION_NUMBER) {
        buf_putf(out, "%llu – %llu%s%s", (unsigned long long)o->min, (unsigned long long)o->max, o->unit ? " " : "",
                 o->unit ? o->unit : "");
    } else if (o->kind == OPTION_FLAG) {
        buf_put_cstr(out, "flag");
    } else {
        put_cell(o->value, out);
        buf_put_cstr(out, o->kind == OPTION_LIST ? ", repeated" : "");
    }
}

static void put_markdown_row(const struct option_table *table, const struct option *o, struct buf *out)
{
    buf_put_cstr(out, "| `");
    option_put_name(o, out);
    buf_put_cstr(out, "` | ");
    put_values_cell(o, out);
    buf_put_cstr(out, " | ");
    if (o->fallback)
        buf_putf(out, "`%s`", o->fallback);
    else
        put_default(o, out);
    buf_put_cstr(out, " | ");
    put_cell(o->help, out);
    buf_put_cstr(out, " | `");
    option_put_env(table, o, out);
    buf_put_cstr(out, "` |\n");
}

void options_markdown(const struct option_table *table, struct buf *out)
{
    for (size_t i = 0; i < table->count; i++) {
        if (begins_group(table, i)) {
            buf_putf(out, "\n## %s\n\n", table->rows[i].group);
            buf_put_cstr(out, "| setting | values | default | meaning | environment |\n");
            buf_put_cstr(out, "| --- | --- | --- | --- | --- |\n");
        }
        put_markdown_row(table, &table->rows[i], out);
    }
}
