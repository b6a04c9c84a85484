#include "node/signaling/private.h"

void snapshot_put(struct buf *b, const struct id *call, const struct call_answer *a)
{
    wire_put_key_string(b, "call", id_slice(call));
    wire_put_key_string(b, "state", a->state);
    wire_put_key_int(b, "version", (int64_t)a->version);
    wire_put_key_int(b, "seats", a->seats);
    wire_put_key_raw(b, "members", a->members);
    wire_put_key_raw(b, "ringing", a->ringing);
    wire_put_key_string(b, "starter", a->starter);
    wire_put_key_bool(b, "locked", a->locked);
    wire_put_cstr(b, "privacy");
    if (a->privacy.n)
        wire_put_string(b, a->privacy);
    else
        wire_put_null(b);
    wire_put_key_int(b, "created_ms", (int64_t)a->created_ms);
}
