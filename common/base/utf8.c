#include "common/base/utf8.h"

static bool is_tail(unsigned char c)
{
    return (c & 0xc0) == 0x80;
}

/* The length of the well-formed sequence at `p`, which is not ASCII; 0 if there is none (RFC 3629 section 4). */
static size_t sequence(const unsigned char *p, size_t n)
{
    if (p[0] < 0xc2 || p[0] > 0xf4 || n < 2 || !is_tail(p[1]))
        return 0;
    if (p[0] < 0xe0)
        return 2;
    if (n < 3 || !is_tail(p[2]))
        return 0;
    if (p[0] < 0xf0) {
        bool overlong = p[0] == 0xe0 && p[1] < 0xa0;
        bool surrogate = p[0] == 0xed && p[1] > 0x9f;
        return overlong || surrogate ? 0 : 3;
    }
    if (n < 4 || !is_tail(p[3]))
        return 0;
    bool overlong = p[0] == 0xf0 && p[1] < 0x90;
    bool beyond = p[0] == 0xf4 && p[1] > 0x8f;
    return overlong || beyond ? 0 : 4;
}

/* Most text is ASCII: look at 32 bytes at once and step over them. */
static const unsigned char *skip_ascii(const unsigned char *p, const unsigned char *end)
{
    while (end - p >= 32) {
        uint64_t w[4];
        memcpy(w, p, sizeof w);
        if ((w[0] | w[1] | w[2] | w[3]) & UINT64_C(0x8080808080808080))
            break;
        p += sizeof w;
    }
    while (p < end && *p < 0x80)
        p++;
    return p;
}

bool utf8_is_valid(struct slice text)
{
    if (text.n == 0)
        return true;
    const unsigned char *p = (const unsigned char *)text.p, *end = p + text.n;
    while ((p = skip_ascii(p, end)) < end) {
        do {
            size_t n = sequence(p, (size_t)(end - p));
            if (n == 0)
                return false;
            p += n;
        } while (p < end && *p >= 0x80);
    }
    return true;
}
