#include "node/options_gather.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_BYTES_MAX = 1 << 20 };

/* One allocation. */
struct option_memory {
    struct option_memory *next;
    max_align_t bytes[];
};

void *reading_alloc(struct reading *r, size_t n)
{
    struct option_memory *m = calloc(1, sizeof *m + n);
    if (!m)
        abort();
    m->next = r->memory;
    r->memory = m;
    return m->bytes;
}

const char *reading_copy(struct reading *r, struct slice text)
{
    char *copy = reading_alloc(r, text.n + 1);
    if (text.n > 0)
        memcpy(copy, text.p, text.n);
    return copy;
}

void option_memory_free(struct option_memory *m)
{
    while (m) {
        struct option_memory *next = m->next;
        free(m);
        m = next;
    }
}

void reading_fail(struct reading *r, enum err e)
{
    if (r->error == ERR_OK)
        r->error = e;
}

static void ATTR_PRINTF(2, 3) problem(struct reading *r, const char *fmt, ...)
{
    reading_fail(r, ERR_SYNTAX);
    va_list args;
    va_start(args, fmt);
    buf_putv(r->problems, fmt, args);
    va_end(args);
    buf_put_char(r->problems, '\n');
}

static void give(struct reading *r, struct given given)
{
    if (r->given_count == r->given_room) {
        r->given_room = r->given_room ? 2 * r->given_room : 32;
        r->given = realloc(r->given, r->given_room * sizeof *r->given);
        if (!r->given)
            abort();
    }
    r->given[r->given_count++] = given;
}

/* `dashes` is how an option's name begins where this one was written. */
static void problem_unknown(struct reading *r, const char *place, const char *dashes, struct slice name)
{
    const struct option *guess = option_guess(r->table, name);
    reading_fail(r, ERR_SYNTAX);
    buf_putf(r->problems, "%s%s%.*s", place, dashes, SLICE_FMT(name));
    if (guess) {
        buf_putf(r->problems, ": did you mean %s", dashes);
        option_put_name(guess, r->problems);
        buf_put_char(r->problems, '?');
    }
    buf_put_char(r->problems, '\n');
}

static bool looks_like_option(const char *argument)
{
    return argument[0] == '-' && argument[1] == '-' && argument[2] != '\0';
}

/* Takes one option off the front of the arguments; returns how many it took. */
static int gather_argument(struct reading *r, const char *const *argv, int left)
{
    struct slice all = slice_of(argv[0] + 2);
    size_t equals = slice_find(all, '=');
    struct slice name = slice_make(all.p, equals);
    struct given g = {.option = option_find(r->table, name, '-'), .origin = FROM_COMMAND_LINE};
    bool has_next = left > 1 && !looks_like_option(argv[1]);
    if (!g.option) {
        problem_unknown(r, "there is no option ", "--", name);
        /* What follows is its value, as like as not: one mistake is told once. */
        return equals == all.n && has_next ? 2 : 1;
    }
    if (equals < all.n) {
        g.text = slice_make(all.p + equals + 1, all.n - equals - 1);
        give(r, g);
        return 1;
    }
    if (g.option->kind == OPTION_FLAG) {
        g.text = SLICE("true");
        give(r, g);
        return 1;
    }
    if (!has_next) {
        problem(r, "--%.*s needs a value: %s", SLICE_FMT(name), g.option->value ? g.option->value : "a number");
        return 1;
    }
    g.text = slice_of(argv[1]);
    give(r, g);
    return 2;
}

/* What stands behind a secret may be the rest of it. */
static void gather_stray(struct reading *r, const char *argument)
{
    const struct given *last = r->given_count > 0 ? &r->given[r->given_count - 1] : NULL;
    if (last && last->option->secret) {
        reading_fail(r, ERR_SYNTAX);
        buf_put_cstr(r->problems, "a text stands alone behind --");
        option_put_name(last->option, r->problems);
        buf_put_cstr(r->problems, ": quote it if it belongs to the value\n");
    } else {
        problem(r, "\"%s\" stands alone: options are written --name value or --name=value", argument);
    }
}

static void gather_command_line(struct reading *r)
{
    int argc = r->sources->argc;
    for (int i = 0; i < argc;) {
        const char *const *argv = r->sources->argv + i;
        if (looks_like_option(argv[0])) {
            i += gather_argument(r, argv, argc - i);
        } else {
            gather_stray(r, argv[0]);
            i++;
        }
    }
}

/* A list in the environment: its parts stand between spaces or commas. */
static void gather_parts(struct reading *r, const struct given *g)
{
    const char *p = g->text.p, *end = p + g->text.n;
    while (p < end) {
        size_t n = strcspn(p, " ,\t\n");
        if (n > 0) {
            struct given part = *g;
            part.text = slice_make(p, n);
            give(r, part);
        }
        p += n + (p + n < end ? 1 : 0);
    }
}

/*
 * Unknown names are let pass, for Kubernetes invents SWITCHBOARD_SERVICE_HOST and the like for a service of that name. One that is nearly ours is
 * told, for a misspelt limit that silently does nothing is worse.
 */
static void gather_unknown_variable(struct reading *r, struct slice variable, struct slice name)
{
    const struct option *guess = option_guess(r->table, name);
    if (!guess)
        return;
    reading_fail(r, ERR_SYNTAX);
    buf_putf(r->problems, "environment variable %.*s is no setting: did you mean ", SLICE_FMT(variable));
    option_put_env(r->table, guess, r->problems);
    buf_put_cstr(r->problems, "?\n");
}

static void gather_environment(struct reading *r)
{
    if (!r->table->env_prefix || !r->sources->environ)
        return;
    struct slice prefix = slice_of(r->table->env_prefix);
    for (const char *const *e = r->sources->environ; *e; e++) {
        struct slice all = slice_of(*e);
        size_t equals = slice_find(all, '=');
        /* An empty variable is as good as none: compose files write them for what is not set. */
        if (!slice_starts(all, prefix) || equals + 1 >= all.n)
            continue;
        struct slice variable = slice_make(all.p, equals);
        struct slice name = slice_make(all.p + prefix.n, equals - prefix.n);
        struct given g = {.option = option_find(r->table, name, '_'), .origin = FROM_ENVIRONMENT};
        g.text = slice_make(all.p + equals + 1, all.n - equals - 1);
        if (!g.option)
            gather_unknown_variable(r, variable, name);
        else if (g.option->kind == OPTION_LIST)
            gather_parts(r, &g);
        else
            give(r, g);
    }
}

/* A `#` at the beginning of a line or behind a blank begins a comment; inside a word it belongs to it. */
static struct slice without_comment(struct slice line)
{
    for (size_t i = 0; i < line.n; i++) {
        bool starts_word = i == 0 || line.p[i - 1] == ' ' || line.p[i - 1] == '\t';
        if (line.p[i] == '#' && starts_word)
            return slice_make(line.p, i);
    }
    return line;
}

static void gather_line(struct reading *r, struct slice line, unsigned number)
{
    struct slice text = slice_trim(without_comment(line));
    if (text.n == 0)
        return;
    size_t equals = slice_find(text, '=');
    struct slice name = slice_trim(slice_make(text.p, equals));
    if (equals == text.n) {
        problem(r, "%s:%u: a line is written `name = value`", r->file, number);
        return;
    }
    struct given g = {.option = option_find(r->table, name, '-'), .origin = FROM_FILE, .line = number};
    g.text = slice_trim(slice_make(text.p + equals + 1, text.n - equals - 1));
    if (g.option && g.option->not_in_file) {
        problem(r, "%s:%u: %s can't stand in a file", r->file, number, g.option->name);
    } else if (g.option) {
        give(r, g);
    } else {
        reading_fail(r, ERR_SYNTAX);
        buf_putf(r->problems, "%s:%u: ", r->file, number);
        problem_unknown(r, "there is no setting ", "", name);
    }
}

/* All of the file, in memory that lives as long as the values; false with errno when it can't be read. */
static bool file_read(struct reading *r, struct slice *ret_text)
{
    FILE *f = fopen(r->file, "re");
    if (!f)
        return false;
    char *bytes = reading_alloc(r, FILE_BYTES_MAX + 1);
    size_t n = fread(bytes, 1, FILE_BYTES_MAX + 1, f);
    int error = ferror(f) ? errno : 0;
    fclose(f);
    if (error || n > FILE_BYTES_MAX) {
        errno = error ? error : EFBIG;
        return false;
    }
    *ret_text = slice_make(bytes, n);
    return true;
}

static void gather_file(struct reading *r)
{
    struct slice text, line;
    if (!file_read(r, &text)) {
        reading_fail(r, ERR_IO);
        buf_putf(r->problems, "the config file %s can't be read: %s\n", r->file, strerror(errno));
        return;
    }
    for (unsigned number = 1; slice_split(&text, '\n', &line); number++)
        gather_line(r, line, number);
}

const struct given *reading_find(const struct reading *r, const struct option *o)
{
    const struct given *best = NULL;
    for (size_t i = 0; i < r->given_count; i++) {
        const struct given *g = &r->given[i];
        if (g->option == o && (!best || g->origin >= best->origin))
            best = g;
    }
    return best;
}

void reading_gather(struct reading *r)
{
    gather_command_line(r);
    gather_environment(r);
    if (!r->table->file_option)
        return;
    const struct option *o = option_find(r->table, slice_of(r->table->file_option), '-');
    const struct given *g = reading_find(r, o);
    if (g && g->text.n > 0) {
        r->file = reading_copy(r, g->text);
        gather_file(r);
    }
}
