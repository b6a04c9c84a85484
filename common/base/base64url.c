#include "common/base/base64url.h"

static const char url_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
static const char std_alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Without padding: 4 characters for 3 bytes, 2 for 1, 3 for 2. */
static void encode(struct buf *out, struct slice bytes, const char *alphabet)
{
    const unsigned char *in = (const unsigned char *)bytes.p;
    size_t whole = bytes.n / 3, left = bytes.n % 3;
    size_t n = whole * 4 + (left ? left + 1 : 0);
    char *p = buf_reserve(out, n);
    if (!p)
        return;
    for (size_t i = 0; i < whole; i++, in += 3) {
        uint32_t v = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];
        *p++ = alphabet[v >> 18];
        *p++ = alphabet[v >> 12 & 63];
        *p++ = alphabet[v >> 6 & 63];
        *p++ = alphabet[v & 63];
    }
    if (left > 0) {
        uint32_t v = (uint32_t)in[0] << 16 | (left == 2 ? (uint32_t)in[1] << 8 : 0);
        *p++ = alphabet[v >> 18];
        *p++ = alphabet[v >> 12 & 63];
        if (left == 2)
            *p++ = alphabet[v >> 6 & 63];
    }
    buf_commit(out, n);
}

/* 0-63, or more if it is not in the alphabet. */
static uint32_t sextet(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9')
        return (uint32_t)(c - '0') + 52;
    return c == '-' ? 62 : c == '_' ? 63 : 64;
}

/* `n` characters (2-4) to n - 1 bytes; false on a foreign character or on bits set that belong to no byte. */
static bool decode_group(const char *in, size_t n, char *out)
{
    uint32_t v = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = sextet(in[i]);
        if (bits > 63)
            return false;
        v |= bits << (18 - 6 * i);
    }
    for (size_t i = 0; i + 1 < n; i++)
        out[i] = (char)(v >> (16 - 8 * i) & 255);
    return n == 4 || (v & ((UINT32_C(1) << (32 - 8 * n)) - 1)) == 0;
}

void base64url_encode(struct buf *out, struct slice bytes)
{
    encode(out, bytes, url_alphabet);
}

void base64_encode(struct buf *out, struct slice bytes)
{
    /* Reserved at once, so that a failure leaves no text without its padding. */
    size_t pads = (3 - bytes.n % 3) % 3;
    if (!buf_reserve(out, (bytes.n + 2) / 3 * 4))
        return;
    encode(out, bytes, std_alphabet);
    buf_put_mem(out, "==", pads);
}

enum err base64url_decode(struct buf *out, struct slice text)
{
    size_t left = text.n % 4;
    size_t n = text.n / 4 * 3 + (left ? left - 1 : 0);
    if (left == 1)
        return ERR_SYNTAX;
    char *p = buf_reserve(out, n);
    if (!p)
        return out->error;
    for (size_t i = 0; i < text.n; i += 4, p += 3) {
        size_t chars = text.n - i < 4 ? text.n - i : 4;
        if (!decode_group(text.p + i, chars, p))
            return ERR_SYNTAX;
    }
    buf_commit(out, n);
    return ERR_OK;
}
