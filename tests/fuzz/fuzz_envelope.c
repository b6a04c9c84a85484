/* envelope_read(): whatever is published on a node's channel. What it accepts lies within the bytes. */
#include <stdlib.h>

#include "common/wire/envelope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(struct slice s, const uint8_t *data, size_t size)
{
    const char *begin = (const char *)data;
    if (s.n > 0 && (s.p < begin || s.p + s.n > begin + size))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct envelope e;
    if (envelope_read(slice_make(data, size), &e) != ERR_OK)
        return 0;
    bool has_bodies = e.kind == ENVELOPE_EVENTS || e.kind == ENVELOPE_BLOCKS;
    if (e.count > ENVELOPE_BODIES_MAX || (!has_bodies && e.count > 0))
        abort();
    check(e.subject, data, size);
    check(e.text, data, size);
    for (size_t i = 0; i < e.count; i++)
        check(e.bodies[i], data, size);
    if (e.kind == ENVELOPE_PRESENCE)
        check(e.presence.note, data, size);
    return 0;
}
