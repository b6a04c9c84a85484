#include <criterion/criterion.h>

#include "node/call/candidate.h"

enum { CAP = 4096 };

struct good_case {
    const char *text;
    enum err err; /* what becomes of it in a call with relay privacy */
};

static const struct good_case good[] = {
    {"", ERR_OK},
    {"  \r\n", ERR_OK},
    {"candidate:842163049 1 udp 1677729535 203.0.113.5 46154 typ srflx raddr 10.0.0.17 rport 46154 generation 0 ufrag "
     "EEtu network-id 3 network-cost 10",
     ERR_FORBIDDEN},
    {"candidate:3 1 udp 2113937151 1f4712db-ea17-4bcf-a596-105139dfd8bf.local 54596 typ host generation 0 ufrag x",
     ERR_FORBIDDEN},
    {"candidate:1 1 tcp 1518280447 192.168.1.5 9 typ host tcptype active generation 0", ERR_FORBIDDEN},
    {"candidate:2 1 UDP 2122187007 2001:db8::5 60102 typ host", ERR_FORBIDDEN},
    {"a=candidate:0 1 UDP 92217343 198.51.100.7 59683 typ relay raddr 198.51.100.7 rport 59683", ERR_OK},
    {"candidate:5 2 udp 1 192.0.2.1 1 typ prflx", ERR_FORBIDDEN},
    {"CANDIDATE:5\t1  udp 1 192.0.2.1 1 TYP Relay\r\n", ERR_OK},
    {"candidate:5 256 udp 4294967295 turn.example.org 65535 typ relay", ERR_OK},
    {"candidate:5 1 udp 0 192.0.2.1 0 typ relay", ERR_OK},
};

Test(candidate, kinds_are_told_apart)
{
    for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
        struct buf out;
        buf_init(&out, CAP);
        cr_expect_eq(candidate_for_relay(slice_of(good[i].text), &out), good[i].err, "%s", good[i].text);
        buf_finish(&out);
    }
}

static const char *const bad[] = {
    "x",
    "candidate",
    "candidate:",
    "candidate: 1 udp 1 192.0.2.1 1 typ host",
    "b=candidate:1 1 udp 1 192.0.2.1 1 typ host",
    "candidate:1 0 udp 1 192.0.2.1 1 typ host",
    "candidate:1 257 udp 1 192.0.2.1 1 typ host",
    "candidate:1 -1 udp 1 192.0.2.1 1 typ host",
    "candidate:1 1 udp 4294967296 192.0.2.1 1 typ host",
    "candidate:1 1 udp 99999999999999999999999 192.0.2.1 1 typ host",
    "candidate:1 1 udp 1 192.0.2.1 65536 typ host",
    "candidate:1 1 udp 1 192.0.2.1 1",
    "candidate:1 1 udp 1 192.0.2.1 1 typ",
    "candidate:1 1 udp 1 192.0.2.1 1 typ hosts",
    "candidate:1 1 udp 1 192.0.2.1 1 type host",
    "candidate:1 1 udp 1 192.0.2.1 1 typ relay typ host",
    "candidate:1 1 udp 1 192.0.2.1 1 typ relay raddr 0.0.0.0 rport 0 TYP host",
    "candidate:1 1 udp 1 192.0.2.1 1 typ relay\na=candidate:1 1 udp 1 192.0.2.1 1 typ host",
    "candidate:1 1 udp 1 192.0.2.1 1 typ relay\ra=x",
};

struct relay_case {
    const char *in, *out; /* out NULL: forbidden */
};

static const struct relay_case relay_cases[] = {
    {"", ""},
    {"candidate:1 1 udp 1 192.0.2.1 1 typ host", NULL},
    {"candidate:1 1 udp 1 192.0.2.1 1 typ srflx raddr 10.0.0.1 rport 9", NULL},
    {"candidate:1 1 udp 1 192.0.2.1 1 typ prflx", NULL},
    {"candidate:1 1 udp 1 abcd.local 1 typ HOST", NULL},
    {"candidate:7 1 udp 41885439 198.51.100.7 50000 typ relay raddr 203.0.113.5 rport 46154 generation 0 ufrag EEtu",
     "candidate:7 1 udp 41885439 198.51.100.7 50000 typ relay raddr 0.0.0.0 rport 0 generation 0 ufrag EEtu"},
    {"a=candidate:7 1 UDP 1 2001:db8::7 50000 typ relay raddr 2001:db8:1::5 rport 46154",
     "a=candidate:7 1 UDP 1 2001:db8::7 50000 typ relay raddr :: rport 0"},
    {"candidate:7 1 udp 1 2001:db8::7 1 typ relay raddr 203.0.113.5 rport 4",
     "candidate:7 1 udp 1 2001:db8::7 1 typ relay raddr 0.0.0.0 rport 0"},
    {"candidate:7 1 udp 1 2001:db8::7 1 typ relay raddr abcd.local rport 4",
     "candidate:7 1 udp 1 2001:db8::7 1 typ relay raddr :: rport 0"},
    {"candidate:7 1 udp 1 198.51.100.7 1 typ relay raddr my-laptop.lan rport 4",
     "candidate:7 1 udp 1 198.51.100.7 1 typ relay raddr 0.0.0.0 rport 0"},
    {"Candidate:7  1\tudp 1 198.51.100.7 1 Typ RELAY RADDR 10.1.1.1 Rport 4 \r\n",
     "candidate:7 1 udp 1 198.51.100.7 1 typ relay RADDR 0.0.0.0 Rport 0"},
    {"candidate:7 1 udp 1 198.51.100.7 1 typ relay x-base 10.1.1.1 x-v6 fe80::1%eth0 y",
     "candidate:7 1 udp 1 198.51.100.7 1 typ relay x-base 0.0.0.0 x-v6 ::%eth0 y"},
    {"candidate:7 1 udp 1 198.51.100.7 1 typ relay generation raddr laptop.lan rport",
     "candidate:7 1 udp 1 198.51.100.7 1 typ relay generation raddr 0.0.0.0 rport"},
    {"candidate:H10.0.0.1 1 udp 1 198.51.100.7 1 typ relay", "candidate:H0.0.0.0 1 udp 1 198.51.100.7 1 typ relay"},
};

Test(candidate, only_relay_candidates_pass_and_without_their_related_address)
{
    for (size_t i = 0; i < ARRAY_SIZE(relay_cases); i++) {
        const struct relay_case *c = &relay_cases[i];
        struct buf out;
        buf_init(&out, CAP);
        buf_put_cstr(&out, "before");
        enum err e = candidate_for_relay(slice_of(c->in), &out);
        cr_expect_eq(e, c->out ? ERR_OK : ERR_FORBIDDEN, "%s: %d", c->in, e);
        cr_expect_str_eq(buf_cstr(&out) + 6, c->out ? c->out : "", "%s", c->in);
        buf_finish(&out);
    }
}

static void expect_refused(struct slice text)
{
    struct buf out;
    buf_init(&out, CAP);
    cr_expect_eq(candidate_for_relay(text, &out), ERR_BAD_REQUEST, "%.*s", SLICE_FMT(text));
    cr_expect_eq(out.n, 0);
    buf_finish(&out);
}

Test(candidate, what_is_no_candidate_is_refused)
{
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        expect_refused(slice_of(bad[i]));
    expect_refused(SLICE("candidate:1 1 udp 1 192.0.2.1 1 typ relay ufrag a\0b"));
}

Test(candidate, full_buffer_is_told_and_left_as_it_was)
{
    struct buf out;
    buf_init(&out, 20);
    buf_put_cstr(&out, "before");
    cr_expect_eq(candidate_for_relay(SLICE("candidate:7 1 udp 1 198.51.100.7 1 typ relay"), &out), ERR_TOO_LARGE);
    cr_expect_str_eq(buf_cstr(&out), "before");
    buf_finish(&out);
}
