#include "node/call/candidate.h"

#include <stdio.h>

#include "node/call/address.h"

enum { COMPONENT_MAX = 256, PORT_MAX = 65535 };

/* The text in its parts; `rest` is what follows the type: related address, extensions. */
struct candidate {
    bool has_prefix; /* "a=" before it */
    enum candidate_kind kind;
    struct slice foundation, component, transport, priority, address, port, rest;
};

static const struct {
    const char *name;
    enum candidate_kind kind;
} kinds[] = {
    {"host", CANDIDATE_HOST},
    {"srflx", CANDIDATE_SRFLX},
    {"prflx", CANDIDATE_PRFLX},
    {"relay", CANDIDATE_RELAY},
};

static bool is_word(struct slice word, const char *name)
{
    return slice_eq_nocase(word, slice_of(name));
}

static bool is_number(struct slice word, uint64_t min, uint64_t max)
{
    uint64_t n;
    return slice_to_u64(word, &n) && n >= min && n <= max;
}

static bool has_control(struct slice text)
{
    for (size_t i = 0; i < text.n; i++)
        if (((unsigned char)text.p[i] < ' ' && text.p[i] != '\t') || text.p[i] == 0x7f)
            return true;
    return false;
}

static bool kind_of(struct slice word, enum candidate_kind *ret_kind)
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

/* The part that is wrong, in words, or NULL. An empty candidate is right. */
static const char *read_parts(struct slice text, struct candidate *ret)
{
    const struct slice line = SLICE("a="), prefix = SLICE("candidate:");
    text = slice_trim(text);
    *ret = (struct candidate){.kind = CANDIDATE_END, .has_prefix = slice_starts(text, line)};
    if (text.n == 0)
        return NULL;
    if (has_control(text))
        return "holds a control character";
    if (ret->has_prefix)
        text = slice_make(text.p + line.n, text.n - line.n);
    if (!starts_nocase(text, prefix))
        return "does not begin with `candidate:`";
    text = slice_make(text.p + prefix.n, text.n - prefix.n);
    if (text.n == 0 || text.p[0] == ' ' || text.p[0] == '\t' || !word_next(&text, &ret->foundation))
        return "has no foundation";
    if (!word_next(&text, &ret->component) || !is_number(ret->component, 1, COMPONENT_MAX))
        return "has no component from 1 to 256";
    if (!word_next(&text, &ret->transport))
        return "has no transport";
    if (!word_next(&text, &ret->priority) || !is_number(ret->priority, 0, UINT32_MAX))
        return "has no priority";
    if (!word_next(&text, &ret->address))
        return "has no address";
    if (!word_next(&text, &ret->port) || !is_number(ret->port, 0, PORT_MAX))
        return "has no port";
    struct slice word;
    if (!word_next(&text, &word) || !is_word(word, "typ") || !word_next(&text, &word) || !kind_of(word, &ret->kind))
        return "has no `typ` of host, srflx, prflx or relay";
    if (has_second_type(text))
        return "has two types";
    ret->rest = text;
    return NULL;
}

enum err candidate_parse(struct slice text, enum candidate_kind *ret_kind, char *why, size_t why_size)
{
    struct candidate c;
    const char *wrong = read_parts(text, &c);
    if (wrong) {
        snprintf(why, why_size, "the candidate %s", wrong);
        return ERR_BAD_REQUEST;
    }
    *ret_kind = c.kind;
    return ERR_OK;
}

static void put_word(struct buf *out, struct slice word)
{
    address_scrub(word, out);
    buf_put_char(out, ' ');
}

/* A related address is blanked as a whole, for it may be a name. Its family is the candidate's own where it does not tell. */
static void put_related(struct buf *out, struct slice related, struct slice own)
{
    bool is_ip6 = slice_find(related, ':') < related.n;
    if (!is_ip6 && !char_is_digit(related.p[0]))
        is_ip6 = slice_find(own, ':') < own.n;
    buf_put_cstr(out, is_ip6 ? "::" : "0.0.0.0");
}

static void put_rest(struct buf *out, const struct candidate *c)
{
    struct slice rest = c->rest, word;
    while (word_next(&rest, &word)) {
        buf_put_char(out, ' ');
        address_scrub(word, out);
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
    if (read_parts(text, &c))
        return ERR_BAD_REQUEST;
    if (c.kind == CANDIDATE_END)
        return ERR_OK;
    if (c.kind != CANDIDATE_RELAY)
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
