#include "common/wire/json_reader.h"

#include <assert.h>
#include <jansson.h>

#include "common/wire/json_plain.h"

/* What a text needs, found before anything is allocated for it. */
struct plan {
    size_t tree; /* enough bytes for its maps and arrays */
    size_t depth;
    struct {
        bool is_map;
        size_t commas;
    } open[WIRE_DEPTH_MAX];
};

/* The byte behind the string that begins at `p`, or `end`. */
static const char *string_end(const char *p, const char *end)
{
    const char *quote = json_quote_find(p, end);
    return quote ? quote + 1 : end;
}

static const char *plan_open(struct plan *plan, bool is_map)
{
    if (plan->depth == WIRE_DEPTH_MAX)
        return "nested too deeply, 16 levels are allowed";
    plan->open[plan->depth].is_map = is_map;
    plan->open[plan->depth].commas = 0;
    plan->depth++;
    plan->tree += is_map ? sizeof(struct wire_pair) : sizeof(struct wire_value);
    return NULL;
}

static const char *plan_comma(struct plan *plan)
{
    if (plan->depth == 0)
        return NULL;
    bool is_map = plan->open[plan->depth - 1].is_map;
    plan->tree += is_map ? sizeof(struct wire_pair) : sizeof(struct wire_value);
    if (++plan->open[plan->depth - 1].commas >= WIRE_MAP_MAX && is_map)
        return "too many keys in one object, 1024 are allowed";
    return NULL;
}

/*
 * Counts brackets and commas outside strings. Exact for a well-formed text; of any other jansson will say what is wrong.
 * NULL or what is too much, and where.
 */
static const char *plan_make(struct slice text, struct plan *plan, size_t *ret_at)
{
    const char *end = text.p + text.n, *p = text.p;
    const char *wrong = NULL;
    while (p < end) {
        char c = *p++;
        if (c == '"')
            p = string_end(p, end);
        else if (c == '{' || c == '[')
            wrong = plan_open(plan, c == '{');
        else if (c == ',')
            wrong = plan_comma(plan);
        else if ((c == '}' || c == ']') && plan->depth > 0)
            plan->depth--;
        if (wrong) {
            *ret_at = (size_t)(p - text.p);
            return wrong;
        }
    }
    return NULL;
}

static void fill(struct wire_doc *doc, json_t *json, struct wire_value *ret_value);

static void fill_array(struct wire_doc *doc, json_t *json, struct wire_value *ret_value)
{
    size_t n = json_array_size(json);
    struct wire_value *items = wire_doc_items(doc, n);
    for (size_t i = 0; i < n; i++)
        fill(doc, json_array_get(json, i), &items[i]);
    ret_value->kind = WIRE_ARRAY;
    ret_value->array.items = items;
    ret_value->array.n = n;
}

static void fill_map(struct wire_doc *doc, json_t *json, struct wire_value *ret_value)
{
    size_t n = json_object_size(json);
    struct wire_pair *pairs = wire_doc_pairs(doc, n), *pair = pairs;
    for (void *i = json_object_iter(json); i; i = json_object_iter_next(json, i), pair++) {
        pair->key = slice_make(json_object_iter_key(i), json_object_iter_key_len(i));
        fill(doc, json_object_iter_value(i), &pair->value);
    }
    assert(pair == pairs + n);
    ret_value->kind = WIRE_MAP;
    ret_value->map.pairs = pairs;
    ret_value->map.n = n;
}

static void fill(struct wire_doc *doc, json_t *json, struct wire_value *ret_value)
{
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        fill_map(doc, json, ret_value);
        return;
    case JSON_ARRAY:
        fill_array(doc, json, ret_value);
        return;
    case JSON_STRING:
        ret_value->kind = WIRE_STRING;
        ret_value->string = slice_make(json_string_value(json), json_string_length(json));
        return;
    case JSON_INTEGER:
        ret_value->kind = WIRE_INT;
        ret_value->integer = json_integer_value(json);
        return;
    case JSON_REAL:
        ret_value->kind = WIRE_DOUBLE;
        ret_value->number = json_real_value(json);
        return;
    case JSON_TRUE:
    case JSON_FALSE:
        ret_value->kind = WIRE_BOOL;
        ret_value->boolean = json_is_true(json);
        return;
    case JSON_NULL:
        ret_value->kind = WIRE_NULL;
        return;
    }
}

static bool is_object(struct slice text)
{
    size_t i = 0;
    while (i < text.n && (text.p[i] == ' ' || text.p[i] == '\t' || text.p[i] == '\r' || text.p[i] == '\n'))
        i++;
    return i < text.n && text.p[i] == '{';
}

static enum err read_with_jansson(struct slice text, size_t tree, struct wire_doc **ret_doc, struct why why)
{
    json_error_t error;

    /* jansson seeds its hash tables by itself, from /dev/urandom, and quotes at most 20 bytes in an error. */
    json_t *json = json_loadb(text.p, text.n, JSON_REJECT_DUPLICATES, &error);
    if (!json && error.text[0] == '\0')
        return ERR_NO_MEMORY;
    if (!json)
        return why_fail(why, ERR_SYNTAX, "line %d column %d: %s", error.line, error.column, error.text);

    struct wire_doc *doc = wire_doc_create(tree);
    if (!doc) {
        json_decref(json);
        return ERR_NO_MEMORY;
    }
    doc->json = json;
    fill(doc, json, &doc->root);
    *ret_doc = doc;
    return ERR_OK;
}

enum err wire_read_json(struct slice text, struct wire_doc **ret_doc, struct why why)
{
    struct plan plan = {.tree = 0};
    size_t at = 0;
    if (!is_object(text))
        return why_fail(why, ERR_SYNTAX, "a frame is one JSON object, and this does not begin with {");
    const char *wrong = plan_make(text, &plan, &at);
    if (wrong)
        return why_fail(why, ERR_SYNTAX, "byte %zu: %s", at, wrong);

    struct wire_doc *doc = json_plain_read(text, plan.tree);
    if (!doc)
        return read_with_jansson(text, plan.tree, ret_doc, why);
    *ret_doc = doc;
    return ERR_OK;
}

void wire_json_forget(void *json)
{
    json_decref(json);
}
