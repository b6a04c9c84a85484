#include "common/wire/json_writer.h"

#include <stdio.h>

#include "common/base/utf8.h"
#include "common/wire/json_text.h"
#include "common/wire/msgpack_head.h"

static bool has_letter(unsigned char c)
{
    return c >= '\b' && c <= '\r' && c != '\v';
}

/* What a string's escapes cost: one byte more for \n or \", five more for \u001f. */
struct cost {
    size_t extra;
    bool is_ascii;
};

/* Plain sums in a loop without branches, which compilers turn into vectors; 48 bytes cost 240 at most, which a byte holds. */
static inline void count(struct cost *cost, const unsigned char *p, size_t n)
{
    unsigned char extra = 0, all = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = p[i];
        unsigned char control = c < 0x20 ? 5 : 0;
        unsigned char letter = (unsigned char)(c - '\b') <= '\r' - '\b' ? 4 : 0;
        unsigned char no_letter = c == '\v' ? 4 : 0;
        unsigned char mark = (unsigned char)((c == '"') | (c == '\\'));
        extra = (unsigned char)(extra + control - letter + no_letter + mark);
        all |= c;
    }
    cost->extra += extra;
    cost->is_ascii = cost->is_ascii && all < 0x80;
}

static struct cost cost_of(struct slice string)
{
    enum { BLOCK = 48 };
    const unsigned char *p = (const unsigned char *)string.p;
    struct cost cost = {0, true};
    size_t i = 0;
    for (; i + BLOCK <= string.n; i += BLOCK)
        count(&cost, p + i, BLOCK);
    if (i < string.n)
        count(&cost, p + i, string.n - i);
    return cost;
}

/* Of a character that is not plain. */
static char *escape(char *to, unsigned char c)
{
    static const char letters[] = "btn.fr"; /* from \b to \r; \v has none */
    static const char digits[] = "0123456789abcdef";
    if (c >= 0x80) {
        *to++ = (char)c;
        return to;
    }
    *to++ = '\\';
    if (c >= 0x20 || has_letter(c)) {
        *to++ = c >= 0x20 ? (char)c : letters[c - '\b'];
        return to;
    }
    memcpy(to, "u00", 3);
    to[3] = digits[c >> 4];
    to[4] = digits[c & 15];
    return to + 5;
}

/* Copies runs of plain characters as a whole: an SDP has escapes only at the ends of its lines. */
static void escape_all(char *to, struct slice string)
{
    const char *p = string.p, *end = string.p + string.n;
    while (p < end) {
        const char *run = p;
        p = json_plain_end(p, end);
        memcpy(to, run, (size_t)(p - run));
        to += p - run;
        for (; p < end && !json_is_plain(*p); p++)
            to = escape(to, (unsigned char)*p);
    }
}

static bool put_string(struct buf *out, struct slice string)
{
    const char *end = string.p + string.n;
    struct cost cost = json_plain_end(string.p, end) == end ? (struct cost){0, true} : cost_of(string);
    size_t size = string.n + cost.extra;
    if (!cost.is_ascii && !utf8_is_valid(string))
        return false;
    char *to = buf_reserve(out, size + 2);
    if (!to)
        return false;
    *to = '"';
    if (cost.extra > 0)
        escape_all(to + 1, string);
    else if (size > 0)
        memcpy(to + 1, string.p, size);
    to[size + 1] = '"';
    buf_commit(out, size + 2);
    return true;
}

static void put_int(struct buf *out, int64_t n)
{
    uint64_t size = n < 0 ? -(uint64_t)n : (uint64_t)n;
    if (n < 0)
        buf_put_char(out, '-');
    buf_put_u64(out, size);
}

/* 17 digits bring back the very number; a point or exponent keeps it from being read as an integer. */
static void put_double(struct buf *out, double number)
{
    char text[40];
    int n = snprintf(text, sizeof(text), "%.17g", number);
    buf_put_mem(out, text, (size_t)n);
    if (!strpbrk(text, ".e"))
        buf_put(out, SLICE(".0"));
}

static bool put_value(struct buf *out, struct wire_cursor *in, size_t levels);

static bool put_key(struct buf *out, struct wire_cursor *in)
{
    struct wire_head key;
    if (wire_head_read(in, &key) || key.kind != WIRE_STRING || !put_string(out, wire_head_string(in, &key)))
        return false;
    buf_put_char(out, ':');
    return true;
}

static bool put_pairs(struct buf *out, struct wire_cursor *in, size_t n, size_t levels)
{
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_put_char(out, ',');
        if (!put_key(out, in) || !put_value(out, in, levels))
            return false;
    }
    return true;
}

static bool put_array(struct buf *out, struct wire_cursor *in, size_t n, size_t levels)
{
    buf_put_char(out, '[');
    for (size_t i = 0; i < n; i++) {
        if (i > 0)
            buf_put_char(out, ',');
        if (!put_value(out, in, levels))
            return false;
    }
    buf_put_char(out, ']');
    return true;
}

static bool put_map(struct buf *out, struct wire_cursor *in, size_t n, size_t levels)
{
    buf_put_char(out, '{');
    if (!put_pairs(out, in, n, levels))
        return false;
    buf_put_char(out, '}');
    return true;
}

static bool put_value(struct buf *out, struct wire_cursor *in, size_t levels)
{
    struct wire_head head;
    if (wire_head_read(in, &head))
        return false;
    switch (head.kind) {
    case WIRE_NULL:
        buf_put(out, SLICE("null"));
        return true;
    case WIRE_BOOL:
        buf_put(out, head.boolean ? SLICE("true") : SLICE("false"));
        return true;
    case WIRE_INT:
        put_int(out, head.integer);
        return true;
    case WIRE_DOUBLE:
        put_double(out, head.number);
        return true;
    case WIRE_STRING:
        return put_string(out, wire_head_string(in, &head));
    case WIRE_ARRAY:
        return levels > 0 && put_array(out, in, head.n, levels - 1);
    case WIRE_MAP:
        return levels > 0 && put_map(out, in, head.n, levels - 1);
    }
    return false;
}

enum err wire_write_json(struct slice body, uint64_t seq, struct buf *out)
{
    struct wire_cursor in = {body.p, body.p + body.n};
    struct wire_head head;
    bool is_fine;
    is_fine = body.n > 0 && !wire_head_read(&in, &head) && head.kind == WIRE_MAP;
    if (!is_fine)
        return ERR_SYNTAX;
    buf_put_char(out, '{');
    is_fine = put_pairs(out, &in, head.n, WIRE_DEPTH_MAX - 1) && in.p == in.end;
    if (is_fine && seq > 0) {
        buf_put(out, head.n > 0 ? SLICE(",\"seq\":") : SLICE("\"seq\":"));
        buf_put_u64(out, seq);
    }
    buf_put_char(out, '}');
    if (buf_failed(out))
        return out->error;
    return is_fine ? ERR_OK : ERR_SYNTAX;
}
