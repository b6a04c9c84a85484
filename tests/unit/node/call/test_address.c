#include <criterion/criterion.h>

#include "node/call/address.h"

enum { CAP = 1 << 20 };

static const struct {
    const char *in, *out;
} cases[] = {
    {"", ""},
    {"nothing here", "nothing here"},
    {"192.0.2.1", "0.0.0.0"},
    {"x=192.0.2.1:5060;", "x=0.0.0.0:5060;"},
    {"ip192.0.2.1x", "ip0.0.0.0x"},
    {"user@192.0.2.1", "user@0.0.0.0"},
    {"1.2.3.4.5.6", "0.0.0.0"},
    {"58.29.100 2.1", "58.29.100 2.1"},
    {"2001:db8::1", "::"},
    {"2001:DB8:0:0:0:0:0:1", "::"},
    {"::1", "::"},
    {"::", "::"},
    {"fe80::1%eth0/64", "::%eth0/64"},
    {"xyz::1", "xyz::"},
    {"x::1yz", "x::yz"},
    {"::7%12:34", "::%12:34"},
    {"[2001:db8::1]:5000", "[::]:5000"},
    {"ip6:2001:db8::1,5", "ip::,5"},
    {"::ffff:192.0.2.1", "::"},
    {"::192.0.2.1abc", "::"},
    {"::192.0.2.1abc.local", "::"},
    {"0:0:0:0:0:ffff:192.0.2.1", "::"},
    {"64:ff9b::192.0.2.33", "::"},
    {"00:1a:2b:3c:4d:5e", "::"},
    {"see 2001:db8::1.", "see ::."},
    {"2001:db8::1:host", ":::host"},
    {"12:34:56", "12:34:56"},
    {"urn:ietf:params:rtp-hdrext:ssrc-audio-level", "urn:ietf:params:rtp-hdrext:ssrc-audio-level"},
    {"opus/48000/2", "opus/48000/2"},
    {"1f4712db-ea17.local", "0.0.0.0"},
    {"1f4712db-ea17.LOCAL.:5", "0.0.0.0:5"},
    {"1::abcd.local", "::"},
    {"local", "local"},
    {"a.local-foo", "0.0.0.0"},
    {"a.local7::1", "0.0.0.0::"},
    {"ufrag dead:beef", "ufrag dead:beef"},
};

static void blank_once(struct slice in, struct buf *out)
{
    buf_init(out, CAP);
    address_blank(in, out);
    cr_assert_not(buf_failed(out));
}

Test(address, addresses_become_unspecified_and_the_rest_stays)
{
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct buf once, twice;
        blank_once(slice_of(cases[i].in), &once);
        cr_expect_str_eq(buf_cstr(&once), cases[i].out, "%s", cases[i].in);
        blank_once(buf_slice(&once), &twice);
        cr_expect_str_eq(buf_cstr(&twice), cases[i].out, "%s: twice", cases[i].in);
        buf_finish(&once);
        buf_finish(&twice);
    }
}

/* Text that makes a careless scan start over at each place: a quadratic one takes minutes for these. */
Test(address, time_is_linear, .timeout = 60)
{
    static const char *const parts[] = {":", "1:", "1.", "a.", "1", "a", "::", "a-", "1.a:", "%", "1.2:", "f", "a."};
    enum { SIZE = 512 * 1024 };
    char *text = malloc(SIZE);
    cr_assert_not_null(text);
    for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
        size_t n = strlen(parts[i]);
        for (size_t at = 0; at < SIZE; at++)
            text[at] = parts[i][at % n];
        struct buf out;
        buf_init(&out, 4 * SIZE);
        address_blank(slice_make(text, SIZE), &out);
        cr_expect_not(buf_failed(&out), "%s", parts[i]);
        buf_finish(&out);
    }
    free(text);
}
