/**
 * What a frame says: a tree of values, the same whether it came as JSON or as msgpack.
 *
 * Only this room knows JSON and msgpack libraries. Everybody else reads values through the functions below
 * and writes through wire/writer.h.
 *
 * Strictness is the same for both formats: the top is one map; no key twice in a map; strings are UTF-8 and hold no NUL; numbers are
 * integers within int64 or finite doubles; at most WIRE_DEPTH_MAX levels and 1024 keys in a map; nothing behind the object. msgpack's bin and ext types are
 * refused, and a declared length that the bytes cannot hold is refused before anything is allocated for it.
 */
#ifndef COMMON_WIRE_VALUE_H
#define COMMON_WIRE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/attr.h"
#include "common/base/err.h"
#include "common/base/slice.h"
#include "common/base/why.h"

enum wire_format { WIRE_JSON, WIRE_MSGPACK };
enum wire_kind { WIRE_NULL, WIRE_BOOL, WIRE_INT, WIRE_DOUBLE, WIRE_STRING, WIRE_ARRAY, WIRE_MAP };
enum { WIRE_DEPTH_MAX = 16 };

struct wire_pair;

/** Valid as long as the document it came from. Read it directly; never write to it. */
struct wire_value {
    enum wire_kind kind;
    union {
        bool boolean;
        int64_t integer;
        double number;
        struct slice string;
        struct {
            const struct wire_value *items;
            size_t n;
        } array;
        struct {
            const struct wire_pair *pairs;
            size_t n;
        } map;
    };
};

struct wire_pair {
    struct slice key;
    struct wire_value value;
};

/** A decoded frame: owns the tree. */
struct wire_doc;

/**
 * Reads one frame. The document owns all it needs, `bytes` may go afterwards.
 * On failure `why` gets a sentence that names what is wrong and where: it is meant for the client.
 * ERR_SYNTAX or ERR_NO_MEMORY. The frame's size was checked by whoever read it.
 */
enum err wire_decode(enum wire_format, struct slice bytes, struct wire_doc **ret_doc, struct why why) ATTR_MUST_USE;
/** NULL is fine. */
void wire_doc_destroy(struct wire_doc *);
/** The top, always a map. */
const struct wire_value *wire_doc_root(const struct wire_doc *);

/** The value under `key`, null too, or NULL if it is absent: for what must not be taken for absent, such as a token's claims. */
const struct wire_value *wire_find(const struct wire_value *map, const char *key);
/** The value under `key`, or NULL: absent, or null, which says the same. `map` may be of any kind (NULL then). */
const struct wire_value *wire_get(const struct wire_value *map, const char *key);
/** The string under `key`, or the empty slice with p == NULL when absent or of another kind. */
struct slice wire_get_string(const struct wire_value *map, const char *key);
/** `otherwise` when absent or of another kind. */
int64_t wire_get_int(const struct wire_value *map, const char *key, int64_t otherwise);
bool wire_get_bool(const struct wire_value *map, const char *key, bool otherwise);

/** "a string", "an integer", … for messages. */
const char *wire_kind_name(enum wire_kind);

#endif
