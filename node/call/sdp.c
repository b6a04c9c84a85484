#include "node/call/sdp.h"

#include "common/base/ascii.h"
#include "node/call/address.h"
#include "node/call/candidate.h"
#include "node/call/words.h"

enum { PORT_MAX = 65535, NAME_SHOWN_MAX = 24, DIGEST_BYTES_MIN = 16 };

/* `x=value`, with the CRLF, LF or nothing that ends it. */
struct line {
    char type;
    struct slice whole, value, ending;
    size_t number; /* from 1 */
};

struct reader {
    struct slice rest;
    size_t number;
};

enum reading { READ_LINE, READ_END, READ_EMPTY, READ_NO_TYPE, READ_CONTROL };

struct attribute {
    struct slice name, value; /* the value is empty, p NULL, for a flag */
};

/* An m= line; `section` counts from 1. */
struct media {
    struct slice kind, protocol, format;
    uint64_t port;
    size_t section;
    bool bundle_only;
};

enum attribute_rule {
    ATTRIBUTE_UNLISTED,
    ATTRIBUTE_DROP,
    ATTRIBUTE_CANDIDATE,
    ATTRIBUTE_CANDIDATES_END,
    ATTRIBUTE_RTCP,
    ATTRIBUTE_FINGERPRINT,
};

/* What happens to an attribute in a call with relay privacy; those not listed are blanked. */
static const struct {
    const char *name;
    enum attribute_rule rule;
} attribute_rules[] = {
    {"candidate", ATTRIBUTE_CANDIDATE},
    {"end-of-candidates", ATTRIBUTE_CANDIDATES_END},
    {"fingerprint", ATTRIBUTE_FINGERPRINT},
    {"rtcp", ATTRIBUTE_RTCP},          /* RFC 3605 */
    {"source-filter", ATTRIBUTE_DROP}, /* RFC 4570: host names too */
    {"altc", ATTRIBUTE_DROP},          /* RFC 6947 */
    {"ccap", ATTRIBUTE_DROP},          /* RFC 7006: a c= line in another dress */
    {"ts-refclk", ATTRIBUTE_DROP},     /* RFC 7273: a clock server's name, an own MAC address */
};

static bool is_line_end(char c)
{
    return c == '\r' || c == '\n';
}

/* NUL and a CR inside a line are no part of RFC 8866's byte-string, and some readers take the CR for a line's end. */
static bool has_control(struct slice value)
{
    return slice_find(value, '\0') < value.n || slice_find(value, '\r') < value.n;
}

static struct reader reader_of(struct slice sdp)
{
    /* Blank lines at the very end are a habit of clients that join lines; the last line keeps its own ending. */
    size_t n = sdp.n;
    while (n > 0 && is_line_end(sdp.p[n - 1]))
        n--;
    if (n < sdp.n && sdp.p[n] == '\r')
        n++;
    if (n < sdp.n && sdp.p[n] == '\n')
        n++;
    return (struct reader){slice_make(sdp.p, n), 0};
}

static enum reading reader_next(struct reader *r, struct line *ret_line)
{
    if (r->rest.n == 0)
        return READ_END;
    r->number++;
    size_t end = slice_find(r->rest, '\n');
    size_t next = end < r->rest.n ? end + 1 : end;
    if (end > 0 && r->rest.p[end - 1] == '\r')
        end--;
    *ret_line = (struct line){
        .whole = slice_make(r->rest.p, end),
        .ending = slice_make(r->rest.p + end, next - end),
        .number = r->number,
    };
    r->rest = slice_make(r->rest.p + next, r->rest.n - next);
    if (end == 0)
        return READ_EMPTY;
    if (end < 2 || ret_line->whole.p[0] < 'a' || ret_line->whole.p[0] > 'z' || ret_line->whole.p[1] != '=')
        return READ_NO_TYPE;
    ret_line->type = ret_line->whole.p[0];
    ret_line->value = slice_make(ret_line->whole.p + 2, end - 2);
    return has_control(ret_line->value) ? READ_CONTROL : READ_LINE;
}

static enum err refuse_line(enum reading reading, const struct line *line, struct why why)
{
    const char *wrong = reading == READ_EMPTY     ? "is empty"
                        : reading == READ_CONTROL ? "holds a NUL or a bare CR"
                                                  : "is not `x=…`";
    return why_fail(why, ERR_BAD_REQUEST, "line %zu of the description %s", line->number, wrong);
}

/* Readers differ in what they forgive around a name; none of that may hide one. */
static struct attribute attribute_of(const struct line *line)
{
    size_t colon = slice_find(line->value, ':');
    struct attribute a = {slice_trim(slice_make(line->value.p, colon)), {NULL, 0}};
    if (colon < line->value.n)
        a.value = slice_make(line->value.p + colon + 1, line->value.n - colon - 1);
    return a;
}

static bool port_of(struct slice word, uint64_t *ret_port)
{
    uint64_t port, count;
    size_t slash = slice_find(word, '/');
    if (!slice_to_u64(slice_make(word.p, slash), &port) || port > PORT_MAX)
        return false;
    if (slash < word.n && !slice_to_u64(slice_make(word.p + slash + 1, word.n - slash - 1), &count))
        return false;
    *ret_port = port;
    return true;
}

static bool media_of(struct slice value, struct media *ret_media)
{
    struct media m = {.section = ret_media->section + 1};
    struct slice port;
    if (!word_next(&value, &m.kind) || !word_next(&value, &port) || !port_of(port, &m.port) ||
        !word_next(&value, &m.protocol) || !word_next(&value, &m.format))
        return false;
    *ret_media = m;
    return true;
}

/* RFC 8841; `DTLS/SCTP 5000` is the draft form that older browsers write. */
static bool is_data_channel(const struct media *m)
{
    if (!slice_is(m->kind, "application"))
        return false;
    if (slice_is(m->protocol, "DTLS/SCTP"))
        return true;
    return (slice_is(m->protocol, "UDP/DTLS/SCTP") || slice_is(m->protocol, "TCP/DTLS/SCTP")) &&
           slice_is(m->format, "webrtc-datachannel");
}

/* RFC 8843 section 6: port 0 with bundle-only is a section in use. */
static bool is_allowed(const struct media *m)
{
    bool is_accepted = m->port != 0 || m->bundle_only;
    return m->section == 0 || !is_accepted || slice_is(m->kind, "audio") || is_data_channel(m);
}

static enum err refuse_media(const struct media *m, struct why why)
{
    char kind[NAME_SHOWN_MAX + 1];
    size_t n = 0;
    for (; n < m->kind.n && n < NAME_SHOWN_MAX; n++)
        kind[n] = ascii_is_alnum(m->kind.p[n]) || m->kind.p[n] == '-' ? m->kind.p[n] : '?';
    kind[n] = '\0';
    return why_fail(why, ERR_MEDIA_NOT_ALLOWED,
                    "section %zu (`m=%s`) of the description is neither audio nor a data channel", m->section, kind);
}

/* How far the session part has come: what has to stand before the first m=, in this order (RFC 8866 section 5). */
static const char head_types[] = "ost";

static void head_step(size_t *seen, char type)
{
    if (*seen < sizeof head_types - 1 && head_types[*seen] == type)
        (*seen)++;
}

static enum err check_head(size_t seen, struct why why)
{
    if (seen == sizeof head_types - 1)
        return ERR_OK;
    return why_fail(why, ERR_BAD_REQUEST, "the description has no `%c=` line in its place before the media",
                    head_types[seen]);
}

/* One line after the first. */
static enum err check_line(const struct line *line, size_t *seen, struct media *media, bool audio_only, struct why why)
{
    if (line->type == 'm') {
        enum err e = check_head(*seen, why);
        if (e)
            return e;
        if (audio_only && !is_allowed(media))
            return refuse_media(media, why);
        if (!media_of(line->value, media))
            return why_fail(why, ERR_BAD_REQUEST,
                            "line %zu of the description is not `m=<media> <port> <protocol> <format>`", line->number);
    } else if (media->section == 0) {
        head_step(seen, line->type);
    } else if (line->type == 'a' && slice_eq_nocase(attribute_of(line).name, SLICE("bundle-only"))) {
        media->bundle_only = true;
    }
    return ERR_OK;
}

enum err sdp_check(struct slice sdp, enum media_policy policy, struct why why)
{
    struct reader reader = reader_of(sdp);
    struct line line;
    struct media media = {0};
    size_t seen = 0;
    enum reading reading;
    while ((reading = reader_next(&reader, &line)) == READ_LINE) {
        if (line.number == 1 && !slice_is(line.whole, "v=0"))
            break;
        enum err e = check_line(&line, &seen, &media, policy == MEDIA_AUDIO, why);
        if (e)
            return e;
    }
    if (reading == READ_LINE || reader.number == 0)
        return why_fail(why, ERR_BAD_REQUEST, "the description does not begin with `v=0`");
    if (reading != READ_END)
        return refuse_line(reading, &line, why);
    enum err e = check_head(seen, why);
    if (e)
        return e;
    return policy == MEDIA_AUDIO && !is_allowed(&media) ? refuse_media(&media, why) : ERR_OK;
}

static bool contains_nocase(struct slice text, struct slice part)
{
    for (size_t i = 0; i + part.n <= text.n; i++)
        if (slice_eq_nocase(slice_make(text.p + i, part.n), part))
            return true;
    return false;
}

/* A digest has the looks of an address, so it has to be exactly what RFC 8122 says: `sha-256 AB:CD:…`. */
static bool is_fingerprint(struct slice value)
{
    struct slice hash, digest, more;
    if (!word_next(&value, &hash) || !word_next(&value, &digest) || word_next(&value, &more))
        return false;
    for (size_t i = 0; i < hash.n; i++)
        if (!ascii_is_alnum(hash.p[i]) && hash.p[i] != '-')
            return false;
    for (size_t i = 0; i < digest.n; i++)
        if (i % 3 == 2 ? digest.p[i] != ':' : !ascii_is_hex(digest.p[i]))
            return false;
    return digest.n % 3 == 2 && digest.n / 3 + 1 >= DIGEST_BYTES_MIN;
}

static enum attribute_rule rule_of(const struct attribute *a)
{
    enum attribute_rule rule = ATTRIBUTE_UNLISTED;
    for (size_t i = 0; i < ARRAY_SIZE(attribute_rules); i++)
        if (slice_eq_nocase(a->name, slice_of(attribute_rules[i].name)))
            rule = attribute_rules[i].rule;
    if (rule == ATTRIBUTE_FINGERPRINT && !is_fingerprint(a->value))
        rule = ATTRIBUTE_UNLISTED;
    if (rule != ATTRIBUTE_UNLISTED)
        return rule;
    /* remote-candidates, and candidates wrapped in something else (`acap:1 candidate:…`, `x-candidate`). */
    if (contains_nocase(a->name, SLICE("candidate")) || contains_nocase(a->value, SLICE("candidate:")))
        return ATTRIBUTE_DROP;
    return ATTRIBUTE_UNLISTED;
}

static void put_line(const struct line *line, struct slice text, struct buf *out)
{
    buf_put(out, text);
    buf_put(out, line->ending);
}

static void put_blanked(const struct line *line, struct slice prefix, struct slice value, struct buf *out)
{
    buf_put(out, prefix);
    address_blank(value, out);
    buf_put(out, line->ending);
}

/* Whole, for an address may lie on both sides of the colon; but an attribute that gets another name by it is dropped. */
static void blank_unlisted(const struct line *line, struct slice name, struct buf *out)
{
    size_t start = out->n;
    put_blanked(line, SLICE("a="), line->value, out);
    if (buf_failed(out))
        return;
    struct line blanked = {.value = slice_make(out->p + start + 2, out->n - start - 2 - line->ending.n)};
    if (!slice_eq(attribute_of(&blanked).name, name))
        buf_truncate(out, start);
}

static void blank_candidate(const struct line *line, struct buf *out)
{
    /* What is no candidate, or not a relay's, is dropped; a full buffer is remembered there. */
    if (candidate_for_relay(line->whole, out) == ERR_OK)
        buf_put(out, line->ending);
}

static void blank_attribute(const struct line *line, struct buf *out)
{
    struct attribute a = attribute_of(line);
    switch (rule_of(&a)) {
    case ATTRIBUTE_DROP:
        break;
    case ATTRIBUTE_CANDIDATE:
        blank_candidate(line, out);
        break;
    case ATTRIBUTE_CANDIDATES_END:
        put_line(line, SLICE("a=end-of-candidates"), out);
        break;
    case ATTRIBUTE_RTCP:
        put_line(line, SLICE("a=rtcp:9 IN IP4 0.0.0.0"), out);
        break;
    case ATTRIBUTE_FINGERPRINT:
        put_line(line, line->whole, out);
        break;
    case ATTRIBUTE_UNLISTED:
        blank_unlisted(line, a.name, out);
        break;
    }
}

/* `<username> <sess-id> <sess-version> IN IP4 0.0.0.0`, whatever was there for the address. */
static void blank_origin(const struct line *line, struct buf *out)
{
    static const char *const otherwise[] = {"-", "0", "0"};
    struct slice rest = line->value, word;
    buf_put(out, SLICE("o="));
    for (size_t i = 0; i < ARRAY_SIZE(otherwise); i++) {
        if (word_next(&rest, &word))
            address_blank(word, out);
        else
            buf_put_cstr(out, otherwise[i]);
        buf_put_char(out, ' ');
    }
    put_line(line, SLICE("IN IP4 0.0.0.0"), out);
}

/* An address of 0.0.0.0 with a port other than 9 is an ICE mismatch to strict readers (RFC 8839 section 3.2.5). */
static void blank_media(const struct line *line, struct buf *out)
{
    struct slice rest = line->value, kind, port_word;
    uint64_t port;
    if (!word_next(&rest, &kind) || !word_next(&rest, &port_word) || !port_of(port_word, &port) || port == 0) {
        put_blanked(line, SLICE("m="), line->value, out);
        return;
    }
    buf_put(out, SLICE("m="));
    address_blank(kind, out);
    put_blanked(line, SLICE(" 9"), rest, out);
}

static void blank_line(const struct line *line, struct buf *out)
{
    switch (line->type) {
    case 'a':
        blank_attribute(line, out);
        break;
    case 'c':
        put_line(line, SLICE("c=IN IP4 0.0.0.0"), out);
        break;
    case 'm':
        blank_media(line, out);
        break;
    case 'o':
        blank_origin(line, out);
        break;
    default:
        put_blanked(line, slice_make(line->whole.p, 2), line->value, out);
        break;
    }
}

enum err sdp_blank_addresses(struct slice sdp, struct buf *out)
{
    size_t start = out->n;
    struct reader reader = reader_of(sdp);
    struct line line;
    enum reading reading;
    while ((reading = reader_next(&reader, &line)) == READ_LINE)
        blank_line(&line, out);
    if (reading == READ_END && !buf_failed(out))
        return ERR_OK;
    buf_truncate(out, start);
    return buf_failed(out) ? out->error : ERR_BAD_REQUEST;
}
