#include "common/base/utf8.h"

#include <criterion/criterion.h>

Test(utf8, text_of_all_lengths_is_well_formed)
{
    static const char *const cases[] = {
        "",
        "plain",
        "\x7f",
        "\xc2\x80",
        "\xdf\xbf",
        "\xe0\xa0\x80",
        "\xed\x9f\xbf",     /* below the surrogates */
        "\xee\x80\x80",     /* above them */
        "\xef\xbf\xbf",     /* a noncharacter is well-formed */
        "\xf0\x90\x80\x80", /* U+10000 */
        "\xf4\x8f\xbf\xbf", /* U+10FFFF */
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        cr_assert(utf8_is_valid(slice_of(cases[i])), "case %zu", i);
    cr_assert(utf8_is_valid((struct slice){NULL, 0}));
    cr_assert(utf8_is_valid(SLICE("a\0b")));
}

static const char *const malformed[] = {
    "\x80",
    "\xbf", /* a tail alone */
    "\xc0\x80",
    "\xc1\xbf", /* overlong */
    "\xe0\x80\x80",
    "\xe0\x9f\xbf",
    "\xf0\x8f\xbf\xbf", /* overlong */
    "\xed\xa0\x80",
    "\xed\xbf\xbf", /* surrogates */
    "\xf4\x90\x80\x80",
    "\xf5\x80\x80\x80",
    "\xff", /* above U+10FFFF */
    "\xc2",
    "\xe1\x80",
    "\xf1\x80\x80", /* cut short */
    "\xc2g",
    "\xe1\x80g",
    "\xf1\x80\x80g",
    "\xe1g\x80", /* a tail missing */
    "\xc3\xbc\xbc",
};

Test(utf8, malformed_text_is_refused)
{
    for (size_t i = 0; i < ARRAY_SIZE(malformed); i++)
        cr_assert_not(utf8_is_valid(slice_of(malformed[i])), "case %zu", i);
}

Test(utf8, malformed_text_is_found_wherever_it_stands)
{
    for (size_t i = 0; i < ARRAY_SIZE(malformed); i++)
        for (size_t at = 0; at < 80; at++) {
            char text[128];
            size_t n = strlen(malformed[i]);
            memset(text, 'a', sizeof text);
            cr_assert(utf8_is_valid(slice_make(text, at)));
            memcpy(text + at, malformed[i], n);
            cr_assert_not(utf8_is_valid(slice_make(text, at + n)), "case %zu at the end %zu", i, at);
            cr_assert_not(utf8_is_valid(slice_make(text, sizeof text)), "case %zu at %zu", i, at);
        }
}

/* Every sequence of up to three bytes against the definition: decode, then look whether that is how it is encoded. */
static bool is_valid_by_definition(const unsigned char *p, size_t n)
{
    while (n > 0) {
        size_t k = p[0] < 0x80 ? 1 : p[0] >> 5 == 6 ? 2 : p[0] >> 4 == 14 ? 3 : p[0] >> 3 == 30 ? 4 : 0;
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        if (k == 0 || k > n)
            return false;
        uint32_t c = k == 1 ? p[0] : p[0] & (0x7fU >> k);
        for (size_t i = 1; i < k; i++) {
            if (p[i] >> 6 != 2)
                return false;
            c = c << 6 | (p[i] & 0x3f);
        }
        if (c < least[k] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
            return false;
        p += k;
        n -= k;
    }
    return true;
}

Test(utf8, every_three_bytes_are_as_defined)
{
    for (uint32_t v = 0; v < 1 << 24; v += v < 1 << 23 ? 97 : 1) {
        unsigned char p[3] = {(unsigned char)(v >> 16), (unsigned char)(v >> 8), (unsigned char)v};
        if (utf8_is_valid(slice_make(p, 3)) != is_valid_by_definition(p, 3))
            cr_assert_fail("%06x", v);
    }
}

Test(utf8, every_four_byte_sequence_is_as_defined)
{
    for (uint32_t head = 0xefff; head <= 0xf5ff; head++)
        for (uint32_t tail = 0; tail < 1 << 16; tail += tail < 0x7f7f ? 0x3fff : 61) {
            unsigned char p[4] = {(unsigned char)(head >> 8), (unsigned char)head, (unsigned char)(tail >> 8),
                                  (unsigned char)tail};
            if (utf8_is_valid(slice_make(p, 4)) != is_valid_by_definition(p, 4))
                cr_assert_fail("%04x%04x", head, tail);
        }
}
