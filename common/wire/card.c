#include "common/wire/card.h"

#include "common/wire/value.h"
#include "common/wire/writer.h"

static const struct {
    const char *name;
    size_t offset;
} numbers[] = {
    {"started", offsetof(struct card, started_s)}, {"sockets", offsetof(struct card, sockets)},
    {"sessions", offsetof(struct card, sessions)}, {"seats", offsetof(struct card, seats)},
    {"calls", offsetof(struct card, calls)},       {"frames_per_s", offsetof(struct card, frames_per_s)},
    {"lag_us", offsetof(struct card, lag_us)},
};

enum { CARD_BYTES_MAX = 1024 };

void card_put(struct buf *out, const struct card *card)
{
    struct buf body;
    buf_init(&body, CARD_BYTES_MAX);
    wire_put_map(&body, ARRAY_SIZE(numbers) + 3);
    wire_put_key_cstr(&body, "version", card->version);
    wire_put_key_cstr(&body, "host", card->host);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        const uint64_t *n = (const void *)((const char *)card + numbers[i].offset);
        wire_put_key_int(&body, numbers[i].name, (int64_t)*n);
    }
    wire_put_key_bool(&body, "draining", card->draining);
    /* A host's name that is no text would fail here: then there is no card, and the node goes without. */
    if (buf_failed(&body) || wire_frame(WIRE_JSON, buf_slice(&body), 0, out) != ERR_OK)
        buf_clear(out);
    buf_finish(&body);
}

/* It will be shown on somebody's terminal. */
static void read_text(struct slice text, char *into, size_t size)
{
    size_t n = text.n < size ? text.n : size - 1;
    for (size_t i = 0; i < n; i++)
        into[i] = text.p[i] > ' ' && text.p[i] < 0x7f ? text.p[i] : '?';
    into[n] = '\0';
}

enum err card_read(struct slice bytes, struct card *ret_card)
{
    struct wire_doc *doc = NULL;
    enum err err = wire_decode(WIRE_JSON, bytes, &doc, WHY_NONE);
    if (err != ERR_OK)
        return err;
    const struct wire_value *root = wire_doc_root(doc);
    struct card card = {.draining = wire_get_bool(root, "draining", false)};
    read_text(wire_get_string(root, "version"), card.version, sizeof card.version);
    read_text(wire_get_string(root, "host"), card.host, sizeof card.host);
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        int64_t n = wire_get_int(root, numbers[i].name, 0);
        *(uint64_t *)(void *)((char *)&card + numbers[i].offset) = n > 0 ? (uint64_t)n : 0;
    }
    wire_doc_destroy(doc);
    *ret_card = card;
    return ERR_OK;
}
