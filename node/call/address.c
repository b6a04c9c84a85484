#include "node/call/address.h"

#include "common/base/ascii.h"
#include "node/call/words.h"

/* More groups than this between colons are an address even without "::" (a time of day has three); six make a MAC address. */
enum { GROUPS_MIN = 6, QUAD_PARTS = 4, QUAD_AS_GROUPS = 2 };

/* What stands at a place where an IPv6 address could begin. */
struct colon_run {
    size_t n; /* bytes; when it is no address, without the quad or name at its end */
    bool is_address;
};

static struct slice from(struct slice text, size_t i)
{
    return slice_make(text.p + i, text.n - i);
}

static size_t digits(struct slice s)
{
    size_t n = 0;
    while (n < s.n && ascii_is_digit(s.p[n]))
        n++;
    return n;
}

/* The length of four or more numbers with dots between them, or 0. */
static size_t quad_at(struct slice s)
{
    size_t n = digits(s), parts = 1;
    if (n == 0)
        return 0;
    while (n + 1 < s.n && s.p[n] == '.' && ascii_is_digit(s.p[n + 1])) {
        n += 1 + digits(from(s, n + 1));
        parts++;
    }
    return parts >= QUAD_PARTS ? n : 0;
}

static bool is_host_char(char c)
{
    return ascii_is_alnum(c) || c == '.' || c == '-' || c == '_';
}

/* The length of the word here if `.local` is in it, or 0: not only at its end, for taking out what follows may put it there. */
static size_t local_name_at(struct slice s)
{
    const struct slice mark = SLICE(".local");
    size_t n = 0;
    bool found = false;
    while (n < s.n && is_host_char(s.p[n])) {
        found = found || (s.n - n >= mark.n && slice_eq_nocase(slice_make(s.p + n, mark.n), mark));
        n++;
    }
    return found ? n : 0;
}

/* The length of the hex digits here. More than four are no group, but a reader that cuts them short might see one. */
static size_t group_at(struct slice s)
{
    size_t n = 0;
    while (n < s.n && ascii_is_hex(s.p[n]))
        n++;
    return n;
}

/* What may stand between colons beside hex digits: an IPv4 address, or a name that will be one once it is replaced. */
static size_t tail_at(struct slice s, bool after_colon)
{
    /* A name begins behind a colon; one that begins the text is the caller's. Looking at each place would be quadratic. */
    size_t n = after_colon ? local_name_at(s) : 0;
    return n > 0 ? n : quad_at(s);
}

static size_t colons_at(struct slice s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] == ':')
        n++;
    /* A single one with nothing behind it is punctuation. */
    if (n == 1 && group_at(from(s, 1)) == 0 && tail_at(from(s, 1), true) == 0)
        return 0;
    return n;
}

static struct colon_run colon_run_at(struct slice s)
{
    struct colon_run run = {0, false};
    size_t groups = 0, colons = 0;
    bool has_gap = false;
    for (;;) {
        size_t tail = tail_at(from(s, run.n), colons > 0);
        size_t group = tail > 0 ? 0 : group_at(from(s, run.n));
        groups += tail > 0 ? QUAD_AS_GROUPS : group > 0;
        run.is_address = groups > 0 && (has_gap || groups >= GROUPS_MIN);
        if (tail > 0 && !run.is_address)
            return run;
        run.n += tail + group;
        colons = colons_at(from(s, run.n));
        bool goes_on = tail > 0 && run.n < s.n && ascii_is_hex(s.p[run.n]);
        if (colons == 0 && !goes_on)
            break;
        has_gap = has_gap || colons > 1;
        run.n += colons;
    }
    run.is_address = groups > 0 && (has_gap || groups >= GROUPS_MIN);
    return run;
}

static bool begins_colon_run(struct slice s, char before)
{
    if (s.p[0] == ':')
        return s.n > 1 && s.p[1] == ':';
    return ascii_is_hex(s.p[0]) && !ascii_is_hex(before);
}

void address_blank(struct slice text, struct buf *out)
{
    size_t plain = 0;  /* from here on nothing was written yet */
    size_t no_run = 0; /* up to here it is known that no IPv6 address begins: keeps this linear */
    for (size_t i = 0; i < text.n;) {
        struct slice rest = from(text, i);
        char before = i > 0 ? text.p[i - 1] : ' ';
        size_t found = 0;
        const char *instead = "0.0.0.0";
        if (i >= no_run && begins_colon_run(rest, before)) {
            struct colon_run run = colon_run_at(rest);
            no_run = i + run.n;
            if (run.is_address) {
                found = run.n;
                instead = "::";
            }
        }
        if (found == 0 && !is_host_char(before))
            found = local_name_at(rest);
        if (found == 0 && !ascii_is_digit(before))
            found = quad_at(rest);
        if (found == 0) {
            i++;
            continue;
        }
        buf_put_mem(out, text.p + plain, i - plain);
        buf_put_cstr(out, instead);
        i += found;
        plain = i;
    }
    if (plain < text.n)
        buf_put_mem(out, text.p + plain, text.n - plain);
}
