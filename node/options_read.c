#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "node/options.h"
#include "node/options_gather.h"

/* "--grace-ms", "SWITCHBOARD_GRACE_MS" or "/etc/switchboard.conf:12: grace-ms" */
static void put_place(const struct reading *r, const struct given *g, struct buf *out)
{
    switch (g->origin) {
    case FROM_COMMAND_LINE:
        buf_put_cstr(out, "--");
        option_put_name(g->option, out);
        break;
    case FROM_ENVIRONMENT:
        buf_put_cstr(out, "environment variable ");
        option_put_env(r->table, g->option, out);
        break;
    case FROM_FILE:
        buf_putf(out, "%s:%u: ", r->file, g->line);
        option_put_name(g->option, out);
        break;
    }
}

static void problem_value(struct reading *r, const struct given *g)
{
    reading_fail(r, ERR_SYNTAX);
    put_place(r, g, r->problems);
    buf_put_cstr(r->problems, " should be ");
    option_put_wanted(g->option, r->problems);
    if (g->option->secret)
        buf_put_cstr(r->problems, "\n");
    else
        buf_putf(r->problems, ", not \"%.*s\"\n", SLICE_FMT(g->text));
}

static bool flag_read(struct slice text, bool *ret_flag)
{
    static const struct {
        const char *word;
        bool flag;
    } words[] = {{"true", true},   {"yes", true}, {"on", true},   {"1", true},
                 {"false", false}, {"no", false}, {"off", false}, {"0", false}};
    for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
        if (slice_is(text, words[i].word)) {
            *ret_flag = words[i].flag;
            return true;
        }
    }
    return false;
}

static bool choice_read(const struct option *o, struct slice text, unsigned *ret_choice)
{
    struct slice words = slice_of(o->value), word;
    for (unsigned i = 0; slice_split(&words, '|', &word); i++) {
        if (slice_eq(word, text)) {
            *ret_choice = i;
            return true;
        }
    }
    return false;
}

static bool number_read(const struct option *o, struct slice text, uint64_t *ret_number)
{
    uint64_t n;
    if (!slice_to_u64(text, &n) || n < o->min || n > o->max)
        return false;
    *ret_number = n;
    return true;
}

/* One value into its field; an empty text is "not given". */
static bool field_set(struct reading *r, const struct given *g, char *field)
{
    const struct option *o = g->option;
    switch (o->kind) {
    case OPTION_NUMBER:
        return number_read(o, g->text, (uint64_t *)(void *)field);
    case OPTION_FLAG:
        return flag_read(g->text, (bool *)(void *)field);
    case OPTION_CHOICE:
        return choice_read(o, g->text, (unsigned *)(void *)field);
    case OPTION_TEXT:
        *(const char **)(void *)field = g->text.n > 0 ? reading_copy(r, g->text) : NULL;
        return true;
    case OPTION_LIST:
        break;
    }
    assert(!"lists are set by list_set()");
    return false;
}

/* Empty parts drop out: `--call-default=` is the empty list. */
static void list_set(struct reading *r, const struct option *o, enum origin origin, char *field)
{
    const char **items = reading_alloc(r, (r->given_count + 1) * sizeof *items);
    size_t n = 0;
    for (size_t i = 0; i < r->given_count; i++) {
        const struct given *g = &r->given[i];
        if (g->option == o && g->origin == origin && g->text.n > 0)
            items[n++] = reading_copy(r, g->text);
    }
    *(const char *const **)(void *)field = items;
}

static void fallback_set(struct reading *r, const struct option *o, char *field)
{
    if (o->kind == OPTION_LIST) {
        const char **items = reading_alloc(r, 2 * sizeof *items);
        items[0] = o->fallback;
        *(const char *const **)(void *)field = items;
    } else if (o->fallback) {
        struct given g = {.option = o, .text = slice_of(o->fallback)};
        bool good = field_set(r, &g, field);
        assert(good && "a default is as its row says");
        (void)good;
    }
}

static void option_set(struct reading *r, const struct option *o, char *base)
{
    const struct given *g = reading_find(r, o);
    if (!g) {
        fallback_set(r, o, base + o->offset);
        if (o->required) {
            reading_fail(r, ERR_SYNTAX);
            buf_put_cstr(r->problems, "--");
            option_put_name(o, r->problems);
            buf_putf(r->problems, " %s is missing: %s\n", o->value, o->help);
        }
    } else if (o->kind == OPTION_LIST) {
        list_set(r, o, g->origin, base + o->offset);
    } else if (!field_set(r, g, base + o->offset)) {
        problem_value(r, g);
    }
}

enum err options_read(const struct option_table *table, const struct option_sources *sources, void *ret_struct,
                      struct option_memory **ret_memory, struct buf *problems)
{
    struct reading r = {.table = table, .sources = sources, .problems = problems};
    reading_gather(&r);
    char *filled = reading_alloc(&r, table->size);
    for (size_t i = 0; i < table->count; i++)
        option_set(&r, &table->rows[i], filled);
    free(r.given);
    if (r.error != ERR_OK) {
        option_memory_free(r.memory);
        return r.error;
    }
    memcpy(ret_struct, filled, table->size);
    *ret_memory = r.memory;
    return ERR_OK;
}
