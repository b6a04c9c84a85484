#include "common/wire/envelope.h"

#include "common/wire/writer.h"

/* A cursor over msgpack that was made by our own scripts: only the few types that stand in an envelope. Strings may hold any bytes here (bodies are
 * msgpack within msgpack), which is why the strict reader of frames does not serve. */
struct cursor {
    const unsigned char *p;
    const unsigned char *end;
    bool failed;
};

static uint64_t take_bytes(struct cursor *c, size_t n)
{
    uint64_t value = 0;
    if (c->failed || (size_t)(c->end - c->p) < n) {
        c->failed = true;
        return 0;
    }
    for (size_t i = 0; i < n; i++)
        value = value << 8 | *c->p++;
    return value;
}

static uint64_t take_number(struct cursor *c)
{
    uint64_t head = take_bytes(c, 1);
    if (head <= 0x7f)
        return head;
    if (head >= 0xcc && head <= 0xcf)
        return take_bytes(c, (size_t)1 << (head - 0xcc));
    c->failed = true;
    return 0;
}

static struct slice take_string(struct cursor *c)
{
    uint64_t head = take_bytes(c, 1);
    uint64_t n = 0;
    if ((head & 0xe0) == 0xa0)
        n = head & 0x1f;
    else if (head >= 0xd9 && head <= 0xdb)
        n = take_bytes(c, (size_t)1 << (head - 0xd9));
    else
        c->failed = true;
    if (c->failed || (uint64_t)(c->end - c->p) < n) {
        c->failed = true;
        return (struct slice){0};
    }
    struct slice s = slice_make(c->p, (size_t)n);
    c->p += n;
    return s;
}

static size_t take_array(struct cursor *c)
{
    uint64_t head = take_bytes(c, 1);
    if ((head & 0xf0) == 0x90)
        return head & 0x0f;
    if (head == 0xdc)
        return (size_t)take_bytes(c, 2);
    c->failed = true;
    return 0;
}

static void take_bodies(struct cursor *c, struct envelope *e)
{
    e->count = take_array(c);
    if (e->count > ENVELOPE_BODIES_MAX) {
        c->failed = true;
        return;
    }
    for (size_t i = 0; i < e->count; i++)
        e->bodies[i] = take_string(c);
}

static void take_presence(struct cursor *c, struct envelope *e)
{
    e->text = take_string(c);
    e->presence.devices = take_number(c);
    e->presence.in_call = take_number(c);
    e->presence.seen_ms = take_number(c);
    e->presence.note = take_string(c);
}

enum err envelope_read(struct slice bytes, struct envelope *ret_envelope)
{
    struct cursor c = {.p = (const unsigned char *)bytes.p, .end = (const unsigned char *)bytes.p + bytes.n};
    struct envelope *e = ret_envelope;
    size_t items = take_array(&c);
    if (take_number(&c) != ENVELOPE_VERSION)
        return ERR_SYNTAX;
    struct slice kind = take_string(&c);
    e->subject = take_string(&c);
    e->number = take_number(&c);
    e->text = (struct slice){0};
    e->count = 0;
    if (slice_is(kind, "events") && items == 6) {
        e->kind = ENVELOPE_EVENTS;
        take_bodies(&c, e);
        e->text = take_string(&c);
    } else if ((slice_is(kind, "close") || slice_is(kind, "kick")) && items == 5) {
        e->kind = slice_is(kind, "close") ? ENVELOPE_CLOSE : ENVELOPE_KICK;
        e->text = take_string(&c);
    } else if (slice_is(kind, "presence") && items == 9) {
        e->kind = ENVELOPE_PRESENCE;
        take_presence(&c, e);
    } else if (slice_is(kind, "blocks") && items == 5) {
        e->kind = ENVELOPE_BLOCKS;
        take_bodies(&c, e);
    } else if ((slice_is(kind, "canary") || slice_is(kind, "drain")) && items == 4) {
        e->kind = slice_is(kind, "canary") ? ENVELOPE_CANARY : ENVELOPE_DRAIN;
    } else {
        return ERR_SYNTAX;
    }
    return c.failed || c.p != c.end ? ERR_SYNTAX : ERR_OK;
}

static void put_head(struct buf *out, size_t items, const char *kind, struct slice subject, uint64_t number)
{
    wire_put_array(out, items);
    wire_put_int(out, ENVELOPE_VERSION);
    wire_put_cstr(out, kind);
    wire_put_string(out, subject);
    wire_put_int(out, (int64_t)number);
}

void envelope_put_canary(struct buf *out, struct slice node, uint64_t n)
{
    put_head(out, 4, "canary", node, n);
}

void envelope_put_kick(struct buf *out, struct slice session, uint64_t epoch, struct slice user)
{
    put_head(out, 5, "kick", session, epoch);
    wire_put_string(out, user);
}

void envelope_put_drain(struct buf *out, struct slice node)
{
    put_head(out, 4, "drain", node, 0);
}
