#include "common/wire/value.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/utf8.h"
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

enum err wire_refuse(char *why, size_t why_size, const char *fmt, ...)
{
    va_list args;

    if (!why || why_size == 0)
        return ERR_SYNTAX;
    va_start(args, fmt);
    vsnprintf(why, why_size, fmt, args);
    va_end(args);
    /* Cut sentences and quoted rubbish must not make the reply itself malformed. */
    bool is_utf8 = utf8_is_valid(slice_of(why));
    for (char *c = why; *c; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !is_utf8))
            *c = '?';
    }
    return ERR_SYNTAX;
}

enum err wire_decode(enum wire_format format, struct slice bytes, struct wire_doc **ret_doc, char *why, size_t why_size)
{
    enum err err;
    if (format == WIRE_JSON)
        err = wire_read_json(bytes, ret_doc, why, why_size);
    else
        err = wire_read_msgpack(bytes, ret_doc, why, why_size);
    if (err == ERR_NO_MEMORY)
        (void)wire_refuse(why, why_size, "%s", err_text(err));
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
