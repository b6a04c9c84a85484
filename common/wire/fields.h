/**
 * Holding a message against the table of its fields, so that each mistake gets a sentence with the field's name in it.
 */
#ifndef COMMON_WIRE_FIELDS_H
#define COMMON_WIRE_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wire/value.h"

enum field_kind {
    FIELD_STRING, /* min..max bytes */
    FIELD_NAME,   /* a user or device: 1-64 of `A-Z a-z 0-9 . _ @ : + -` */
    FIELD_ID,     /* a server-made id: 1-40 URL-safe characters */
    FIELD_INT,    /* min..max */
    FIELD_BOOL,
    FIELD_MAP,    /* min..max pairs */
    FIELD_ARRAY,  /* min..max items of any kind */
    FIELD_NAMES,  /* an array of min..max names, none twice */
    FIELD_ONE_OF, /* a string that is one of `words` */
};

/** A row of a message's table. The list ends with a row whose name is NULL. */
struct field {
    const char *name;
    enum field_kind kind;
    bool required;
    int64_t min;
    int64_t max;       /* 0 with min 0: no bound; below min: no upper bound */
    const char *words; /* FIELD_ONE_OF: "audio|any" */
};

/**
 * ERR_OK, ERR_BAD_REQUEST, or ERR_TOO_LARGE where a string or array is longer than its max; `why` gets a sentence that
 * names the field, what it is and what it should be: "`peer` is a string; it should be an integer from 1 to 5".
 * A field that is null counts as absent. Fields that stand in no row are ignored.
 */
enum err fields_check(const struct wire_value *message, const struct field *rows, struct why why) ATTR_MUST_USE;

#endif
