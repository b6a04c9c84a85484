#include "common/wire/msgpack_reader.h"

#include <assert.h>

#include "common/base/utf8.h"
#include "common/wire/msgpack_head.h"
#include "common/wire/twins.h"

_Static_assert((int)WIRE_MAP_MAX <= (int)WIRE_TWINS_MAX, "a map's keys can be compared");

/* The first walk: is all of it acceptable, and how many bytes will its tree take? */
struct check {
    struct wire_cursor in;
    size_t tree;
};

static const char *check_string(struct check *check, const struct wire_head *head)
{
    struct slice string = {check->in.p, head->n};
    if (head->n > 0 && memchr(string.p, '\0', string.n))
        return "a string holds a NUL";
    if (!utf8_is_valid(string))
        return "a string is not UTF-8";
    check->in.p += head->n;
    return NULL;
}

static const char *check_key(struct check *check)
{
    struct wire_head head;
    const char *wrong = wire_head_read(&check->in, &head);
    if (wrong)
        return wrong;
    return head.kind == WIRE_STRING ? check_string(check, &head) : "a key is not a string";
}

static const char *check_value(struct check *check, size_t levels);

static const char *check_map(struct check *check, size_t n, size_t levels)
{
    const char *wrong = NULL;
    if (n > WIRE_MAP_MAX)
        return "too many keys in one map, 1024 are allowed";
    check->tree += n * sizeof(struct wire_pair);
    for (size_t i = 0; i < n && !wrong; i++) {
        wrong = check_key(check);
        if (!wrong)
            wrong = check_value(check, levels);
    }
    return wrong;
}

static const char *check_array(struct check *check, size_t n, size_t levels)
{
    const char *wrong = NULL;
    check->tree += n * sizeof(struct wire_value);
    for (size_t i = 0; i < n && !wrong; i++)
        wrong = check_value(check, levels);
    return wrong;
}

static const char *check_value(struct check *check, size_t levels)
{
    struct wire_head head;
    const char *wrong = wire_head_read(&check->in, &head);
    if (wrong)
        return wrong;
    if (head.kind == WIRE_STRING)
        return check_string(check, &head);
    if (head.kind != WIRE_MAP && head.kind != WIRE_ARRAY)
        return NULL;
    if (levels == 0)
        return "nested too deeply, 16 levels are allowed";
    if (head.kind == WIRE_MAP)
        return check_map(check, head.n, levels - 1);
    return check_array(check, head.n, levels - 1);
}

static const char *check_frame(struct check *check)
{
    struct wire_cursor first = check->in;
    struct wire_head head;
    if (!wire_head_read(&first, &head) && head.kind != WIRE_MAP)
        return "a frame is one map, and this is another kind of value";
    const char *wrong = check_value(check, WIRE_DEPTH_MAX);
    if (!wrong && check->in.p < check->in.end)
        wrong = "something follows behind the map";
    return wrong;
}

/* The second walk: nothing can be wrong any more but a key that stands twice, which is returned. */
static const struct slice *fill(struct wire_doc *doc, struct wire_cursor *in, struct wire_value *ret_value);

static struct wire_head next_head(struct wire_cursor *in)
{
    struct wire_head head;
    const char *wrong = wire_head_read(in, &head);
    assert(!wrong);
    return head;
}

static const struct slice *fill_map(struct wire_doc *doc, struct wire_cursor *in, size_t n,
                                    struct wire_value *ret_value)
{
    struct wire_pair *pairs = wire_doc_pairs(doc, n);
    const struct slice *twin = NULL;
    for (size_t i = 0; i < n && !twin; i++) {
        struct wire_head key = next_head(in);
        pairs[i].key = wire_head_string(in, &key);
        twin = fill(doc, in, &pairs[i].value);
    }
    ret_value->map.pairs = pairs;
    ret_value->map.n = n;
    return twin || n == 0 ? twin : wire_twins_find(&pairs->key, sizeof(*pairs), n);
}

static const struct slice *fill_array(struct wire_doc *doc, struct wire_cursor *in, size_t n,
                                      struct wire_value *ret_value)
{
    struct wire_value *items = wire_doc_items(doc, n);
    const struct slice *twin = NULL;
    for (size_t i = 0; i < n && !twin; i++)
        twin = fill(doc, in, &items[i]);
    ret_value->array.items = items;
    ret_value->array.n = n;
    return twin;
}

static const struct slice *fill(struct wire_doc *doc, struct wire_cursor *in, struct wire_value *ret_value)
{
    struct wire_head head = next_head(in);
    ret_value->kind = head.kind;
    switch (head.kind) {
    case WIRE_NULL:
        break;
    case WIRE_BOOL:
        ret_value->boolean = head.boolean;
        break;
    case WIRE_INT:
        ret_value->integer = head.integer;
        break;
    case WIRE_DOUBLE:
        ret_value->number = head.number;
        break;
    case WIRE_STRING:
        ret_value->string = wire_head_string(in, &head);
        break;
    case WIRE_ARRAY:
        return fill_array(doc, in, head.n, ret_value);
    case WIRE_MAP:
        return fill_map(doc, in, head.n, ret_value);
    }
    return NULL;
}

enum err wire_read_msgpack(struct slice bytes, struct wire_doc **ret_doc, struct why why)
{
    struct check check = {.in = {bytes.p, bytes.p + bytes.n}};
    const char *wrong = bytes.n > 0 ? check_frame(&check) : "the frame is empty";
    if (wrong)
        return why_fail(why, ERR_SYNTAX, "byte %zu: %s", bytes.n > 0 ? (size_t)(check.in.p - bytes.p) : 0, wrong);

    struct wire_doc *doc = wire_doc_create(check.tree + bytes.n);
    if (!doc)
        return ERR_NO_MEMORY;
    /* The copy lies at the very end, behind the maps and arrays, which need alignment. */
    char *copy = doc->end - bytes.n;
    memcpy(copy, bytes.p, bytes.n);
    struct wire_cursor in = {copy, doc->end};
    doc->end = copy;
    const struct slice *twin = fill(doc, &in, &doc->root);
    if (twin) {
        enum err err = why_fail(why, ERR_SYNTAX, "byte %zu: the key '%.*s' stands twice", (size_t)(twin->p - copy),
                                (int)(twin->n < 40 ? twin->n : 40), twin->p);
        wire_doc_destroy(doc);
        return err;
    }
    *ret_doc = doc;
    return ERR_OK;
}
