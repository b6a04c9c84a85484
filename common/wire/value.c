#include "common/wire/value.h"

#include <assert.h>
#include <stdlib.h>

#include "common/wire/doc.h"
#include "common/wire/json_reader.h"
#include "common/wire/msgpack_reader.h"

struct wire_doc *wire_doc_create(size_t tree)
{
    struct wire_doc *doc = malloc(sizeof(*doc) + tree);
    if (!doc)
        return NULL;
    doc->root = (struct wire_value){.kind = WIRE_NULL};
    doc->json = NULL;
    doc->free = (char *)(doc + 1);
    doc->end = doc->free + tree;
    return doc;
}

char *wire_doc_bytes(struct wire_doc *doc, size_t n)
{
    char *taken = doc->free;
    assert(n <= (size_t)(doc->end - doc->free));
    doc->free += n;
    return taken;
}

struct wire_pair *wire_doc_pairs(struct wire_doc *doc, size_t n)
{
    return (struct wire_pair *)(void *)wire_doc_bytes(doc, n * sizeof(struct wire_pair));
}

struct wire_value *wire_doc_items(struct wire_doc *doc, size_t n)
{
    return (struct wire_value *)(void *)wire_doc_bytes(doc, n * sizeof(struct wire_value));
}

enum err wire_decode(enum wire_format format, struct slice bytes, struct wire_doc **ret_doc, struct why why)
{
    enum err err;
    if (format == WIRE_JSON)
        err = wire_read_json(bytes, ret_doc, why);
    else
        err = wire_read_msgpack(bytes, ret_doc, why);
    if (err == ERR_NO_MEMORY)
        (void)why_fail(why, err, "%s", err_text(err));
    return err;
}

void wire_doc_destroy(struct wire_doc *doc)
{
    if (!doc)
        return;
    wire_json_forget(doc->json);
    free(doc);
}

const struct wire_value *wire_doc_root(const struct wire_doc *doc)
{
    return &doc->root;
}

const struct wire_value *wire_find(const struct wire_value *map, const char *key)
{
    size_t n = strlen(key);
    if (!map || map->kind != WIRE_MAP)
        return NULL;
    for (size_t i = 0; i < map->map.n; i++) {
        const struct wire_pair *pair = &map->map.pairs[i];
        if (pair->key.n == n && memcmp(pair->key.p, key, n) == 0)
            return &pair->value;
    }
    return NULL;
}

const struct wire_value *wire_get(const struct wire_value *map, const char *key)
{
    const struct wire_value *value = wire_find(map, key);
    return value && value->kind != WIRE_NULL ? value : NULL;
}

struct slice wire_get_string(const struct wire_value *map, const char *key)
{
    const struct wire_value *value = wire_get(map, key);
    return value && value->kind == WIRE_STRING ? value->string : (struct slice){NULL, 0};
}

int64_t wire_get_int(const struct wire_value *map, const char *key, int64_t otherwise)
{
    const struct wire_value *value = wire_get(map, key);
    return value && value->kind == WIRE_INT ? value->integer : otherwise;
}

bool wire_get_bool(const struct wire_value *map, const char *key, bool otherwise)
{
    const struct wire_value *value = wire_get(map, key);
    return value && value->kind == WIRE_BOOL ? value->boolean : otherwise;
}

const char *wire_kind_name(enum wire_kind kind)
{
    static const char *const names[] = {
        [WIRE_NULL] = "null",       [WIRE_BOOL] = "a boolean", [WIRE_INT] = "an integer", [WIRE_DOUBLE] = "a fraction",
        [WIRE_STRING] = "a string", [WIRE_ARRAY] = "an array", [WIRE_MAP] = "an object",
    };

    assert((size_t)kind < ARRAY_SIZE(names));
    return names[kind];
}
