#include "node/call/candidate.h"

#include "common/base/ascii.h"
#include "node/call/address.h"
#include "node/call/words.h"

enum { COMPONENT_MAX = 256, PORT_MAX = 65535 };

enum kind { KIND_END, KIND_HOST, KIND_SRFLX, KIND_PRFLX, KIND_RELAY };

/* The text in its parts; `rest` is what follows the type: related address, extensions. */
struct candidate {
    bool has_prefix; /* "a=" before it */
    enum kind kind;
    struct slice foundation, component, transport, priority, address, port, rest;
};

static const struct {
    const char *name;
    enum kind kind;
} kinds[] = {
    {"host", KIND_HOST},
    {"srflx", KIND_SRFLX},
    {"prflx", KIND_PRFLX},
    {"relay", KIND_RELAY},
};

static bool is_word(struct slice word, const char *name)
{
    return slice_eq_nocase(word, slice_of(name));
}

static bool number_next(struct slice *rest, uint64_t min, uint64_t max, struct slice *ret_word)
{
    uint64_t n;
    return word_next(rest, ret_word) && slice_to_u64(*ret_word, &n) && n >= min && n <= max;
}

static bool has_control(struct slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (((unsigned char)text.p[i] < ' ' && text.p[i] != '\t') || text.p[i] == 0x7f)
            return true;
    return false;
}

static bool kind_of(struct slice word, enum kind *ret_kind)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (is_word(word, kinds[i].name)) {
            *ret_kind = kinds[i].kind;
            return true;
        }
    }
    return false;
}

/* Says a second time what kind it is: one reader would believe the first, another the last. */
static bool has_second_type(struct slice rest)
{
    struct slice word;
    while (word_next(&rest, &word))
        if (is_word(word, "typ"))
            return true;
    return false;
}

static bool starts_nocase(struct slice text, struct slice prefix)
{
    return text.n >= prefix.n && slice_eq_nocase(slice_make(text.p, prefix.n), prefix);
}

/* RFC 8839 section 5.1, its words apart by any blanks. False: it is no candidate. The empty text is the end of them. */
static bool read_parts(struct slice text, struct candidate *ret)
{
    const struct slice line = SLICE("a="), prefix = SLICE("candidate:");
    struct slice word;
    text = slice_trim(text);
    *ret = (struct candidate){.kind = KIND_END, .has_prefix = slice_starts(text, line)};
    if (text.n == 0)
        return true;
    if (ret->has_prefix)
        text = slice_make(text.p + line.n, text.n - line.n);
    if (has_control(text) || !starts_nocase(text, prefix))
        return false;
    text = slice_make(text.p + prefix.n, text.n - prefix.n);
    bool has_foundation = text.n > 0 && text.p[0] != ' ' && text.p[0] != '\t' && word_next(&text, &ret->foundation);
    bool has_parts = has_foundation && number_next(&text, 1, COMPONENT_MAX, &ret->component) &&
                     word_next(&text, &ret->transport) && number_next(&text, 0, UINT32_MAX, &ret->priority) &&
                     word_next(&text, &ret->address) && number_next(&text, 0, PORT_MAX, &ret->port);
    bool has_type = has_parts && word_next(&text, &word) && is_word(word, "typ") && word_next(&text, &word) &&
                    kind_of(word, &ret->kind) && !has_second_type(text);
    ret->rest = text;
    return has_type;
}

static void put_word(struct buf *out, struct slice word)
{
    address_blank(word, out);
    buf_put_char(out, ' ');
}

/* A related address is blanked as a whole, for it may be a name. Its family is the candidate's own where it does not tell. */
static void put_related(struct buf *out, struct slice related, struct slice own)
{
    bool is_ip6 = slice_find(related, ':') < related.n;
    if (!is_ip6 && !ascii_is_digit(related.p[0]))
        is_ip6 = slice_find(own, ':') < own.n;
    buf_put_cstr(out, is_ip6 ? "::" : "0.0.0.0");
}

static void put_rest(struct buf *out, const struct candidate *c)
{
    struct slice rest = c->rest, word;
    while (word_next(&rest, &word)) {
        buf_put_char(out, ' ');
        address_blank(word, out);
        bool is_address = is_word(word, "raddr"), is_port = is_word(word, "rport");
        if ((!is_address && !is_port) || !word_next(&rest, &word))
            continue;
        buf_put_char(out, ' ');
        if (is_address)
            put_related(out, word, c->address);
        else
            buf_put_char(out, '0');
    }
}

enum err candidate_for_relay(struct slice text, struct buf *out)
{
    struct candidate c;
    if (!read_parts(text, &c))
        return ERR_BAD_REQUEST;
    if (c.kind == KIND_END)
        return ERR_OK;
    if (c.kind != KIND_RELAY)
        return ERR_FORBIDDEN;
    size_t start = out->n;
    buf_put_cstr(out, c.has_prefix ? "a=candidate:" : "candidate:");
    put_word(out, c.foundation);
    put_word(out, c.component);
    put_word(out, c.transport);
    put_word(out, c.priority);
    buf_put(out, c.address);
    buf_put_char(out, ' ');
    buf_put(out, c.port);
    buf_put_cstr(out, " typ relay");
    put_rest(out, &c);
    if (!buf_failed(out))
        return ERR_OK;
    buf_truncate(out, start);
    return out->error;
}
