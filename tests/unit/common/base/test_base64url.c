#include "common/base/base64url.h"

#include <criterion/criterion.h>

/* RFC 4648 section 10, and the two characters in which the alphabets differ. */
static const struct {
    struct slice bytes;
    const char *url;
    const char *std;
} vectors[] = {
    {SLICE_INIT(""), "", ""},
    {SLICE_INIT("f"), "Zg", "Zg=="},
    {SLICE_INIT("fo"), "Zm8", "Zm8="},
    {SLICE_INIT("foo"), "Zm9v", "Zm9v"},
    {SLICE_INIT("foob"), "Zm9vYg", "Zm9vYg=="},
    {SLICE_INIT("fooba"), "Zm9vYmE", "Zm9vYmE="},
    {SLICE_INIT("foobar"), "Zm9vYmFy", "Zm9vYmFy"},
    {SLICE_INIT("\xfb\xff\xfe"), "-__-", "+//+"},
    {SLICE_INIT("\0\0\0\0"), "AAAAAA", "AAAAAA=="},
};

Test(base64url, encodes_as_rfc_4648)
{
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
        struct buf url, std;
        buf_init(&url, 100);
        buf_init(&std, 100);
        base64url_encode(&url, vectors[i].bytes);
        base64_encode(&std, vectors[i].bytes);
        cr_assert(slice_is(buf_slice(&url), vectors[i].url), "%s", vectors[i].url);
        cr_assert(slice_is(buf_slice(&std), vectors[i].std), "%s", vectors[i].std);
        buf_finish(&url);
        buf_finish(&std);
    }
}

Test(base64url, decodes_what_it_encodes)
{
    for (size_t i = 0; i < ARRAY_SIZE(vectors); i++) {
        struct buf b;
        buf_init(&b, 100);
        cr_assert_eq(base64url_decode(&b, slice_of(vectors[i].url)), ERR_OK, "%s", vectors[i].url);
        cr_assert(slice_eq(buf_slice(&b), vectors[i].bytes), "%s", vectors[i].url);
        buf_finish(&b);
    }
}

Test(base64url, decoding_is_strict)
{
    static const char *const cases[] = {
        "A",     "AAAAA",                /* no bytes have that length */
        "Zg==",  "Zm8=",                 /* padding */
        "Zm9 v", "Zm9v\n",     " Zm9v",  /* space */
        "+//+",  "Zm\xc3\xbc",           /* other alphabets */
        "Zh",    "Zm9",        "AAAAAB", /* dangling bits */
        "@AAA",  "[AAA",       "`AAA",   "{AAA", "/AAA", ":AAA",
    };
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf b;
        buf_init(&b, 100);
        buf_put_cstr(&b, "before");
        cr_assert_eq(base64url_decode(&b, slice_of(cases[i])), ERR_SYNTAX, "\"%s\"", cases[i]);
        cr_assert(slice_is(buf_slice(&b), "before"), "\"%s\"", cases[i]);
        cr_assert_not(buf_failed(&b));
        buf_finish(&b);
    }
}

Test(base64url, the_cap_counts_decoded_bytes)
{
    struct buf b;
    buf_init(&b, 6);
    cr_assert_eq(base64url_decode(&b, SLICE("Zm9vYmFy")), ERR_OK);
    cr_assert_eq(base64url_decode(&b, SLICE("Zg")), ERR_TOO_LARGE);
    cr_assert(slice_is(buf_slice(&b), "foobar"));
    buf_finish(&b);
}

Test(base64url, a_text_that_does_not_fit_is_not_begun)
{
    struct buf b;
    buf_init(&b, 7);
    base64_encode(&b, SLICE("fooba"));
    cr_assert_eq(b.error, ERR_TOO_LARGE);
    cr_assert_eq(b.n, 0);
    buf_finish(&b);
}
