#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <stdlib.h>

#include "node/call/sdp.h"

enum { CAP = 1 << 20, ADDRESSES_MAX = 256, ADDRESS_CHARS = 64 };

#define HEAD "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n"
#define DIGEST "7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08"

/* As Chromium writes it once gathering is done: addresses in c=, m= and a=rtcp. */
static const char chromium[] =
    "v=0\r\n"
    "o=- 4611731400430051336 2 IN IP4 127.0.0.1\r\n"
    "s=-\r\n"
    "t=0 0\r\n"
    "a=group:BUNDLE 0 1\r\n"
    "a=extmap-allow-mixed\r\n"
    "a=msid-semantic: WMS 5f1e1d2c-9f1a-4a0b-8a3e-6a9c21f0d7a1\r\n"
    "m=audio 46154 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n"
    "c=IN IP4 203.0.113.5\r\n"
    "a=rtcp:46155 IN IP4 203.0.113.5\r\n"
    "a=candidate:1 1 udp 2122260223 192.168.1.5 46154 typ host generation 0 network-id 1\r\n"
    "a=candidate:2 1 udp 2122187007 2001:db8:17::5 46156 typ host generation 0 network-id 2\r\n"
    "a=candidate:3 1 udp 2113937151 1f4712db-ea17-4bcf-a596-105139dfd8bf.local 54596 typ host\r\n"
    "a=candidate:4 1 udp 1677729535 203.0.113.5 46154 typ srflx raddr 192.168.1.5 rport 46154\r\n"
    "a=candidate:5 1 udp 41885439 198.51.100.7 50000 typ relay raddr 203.0.113.5 rport 46154\r\n"
    "a=candidate:6 1 tcp 1518280447 192.168.1.5 9 typ host tcptype active\r\n"
    "a=ice-ufrag:EEtu\r\n"
    "a=ice-pwd:Mft4A5lJ/9a+bCdEfGhIjKlM\r\n"
    "a=ice-options:trickle\r\n"
    "a=fingerprint:sha-256 " DIGEST "\r\n"
    "a=setup:actpass\r\n"
    "a=mid:0\r\n"
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
    "a=sendrecv\r\n"
    "a=msid:5f1e1d2c-9f1a-4a0b-8a3e-6a9c21f0d7a1 11aa22bb-33cc-44dd-55ee-66ff77aa88bb\r\n"
    "a=rtcp-mux\r\n"
    "a=rtcp-rsize\r\n"
    "a=rtpmap:111 opus/48000/2\r\n"
    "a=rtcp-fb:111 transport-cc\r\n"
    "a=fmtp:111 minptime=10;useinbandfec=1\r\n"
    "a=ssrc:2231627014 cname:Uv7bQ8c0SgAi8xVm\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
    "c=IN IP4 0.0.0.0\r\n"
    "a=ice-ufrag:EEtu\r\n"
    "a=mid:1\r\n"
    "a=sctp-port:5000\r\n"
    "a=max-message-size:262144\r\n";

static const char chromium_blank[] =
    "v=0\r\n"
    "o=- 4611731400430051336 2 IN IP4 0.0.0.0\r\n"
    "s=-\r\n"
    "t=0 0\r\n"
    "a=group:BUNDLE 0 1\r\n"
    "a=extmap-allow-mixed\r\n"
    "a=msid-semantic: WMS 5f1e1d2c-9f1a-4a0b-8a3e-6a9c21f0d7a1\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\n"
    "c=IN IP4 0.0.0.0\r\n"
    "a=rtcp:9 IN IP4 0.0.0.0\r\n"
    "a=candidate:5 1 udp 41885439 198.51.100.7 50000 typ relay raddr 0.0.0.0 rport 0\r\n"
    "a=ice-ufrag:EEtu\r\n"
    "a=ice-pwd:Mft4A5lJ/9a+bCdEfGhIjKlM\r\n"
    "a=ice-options:trickle\r\n"
    "a=fingerprint:sha-256 " DIGEST "\r\n"
    "a=setup:actpass\r\n"
    "a=mid:0\r\n"
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
    "a=sendrecv\r\n"
    "a=msid:5f1e1d2c-9f1a-4a0b-8a3e-6a9c21f0d7a1 11aa22bb-33cc-44dd-55ee-66ff77aa88bb\r\n"
    "a=rtcp-mux\r\n"
    "a=rtcp-rsize\r\n"
    "a=rtpmap:111 opus/48000/2\r\n"
    "a=rtcp-fb:111 transport-cc\r\n"
    "a=fmtp:111 minptime=10;useinbandfec=1\r\n"
    "a=ssrc:2231627014 cname:Uv7bQ8c0SgAi8xVm\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
    "c=IN IP4 0.0.0.0\r\n"
    "a=ice-ufrag:EEtu\r\n"
    "a=mid:1\r\n"
    "a=sctp-port:5000\r\n"
    "a=max-message-size:262144\r\n";

static const char firefox[] = "v=0\r\n"
                              "o=mozilla...THIS_IS_SDPARTA-99.0 8215723421947592011 0 IN IP4 0.0.0.0\r\n"
                              "s=-\r\n"
                              "t=0 0\r\n"
                              "a=fingerprint:sha-256 " DIGEST "\r\n"
                              "a=group:BUNDLE 0\r\n"
                              "a=ice-options:trickle\r\n"
                              "a=msid-semantic:WMS *\r\n"
                              "m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101\r\n"
                              "c=IN IP4 0.0.0.0\r\n"
                              "a=sendrecv\r\n"
                              "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
                              "a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level\r\n"
                              "a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1\r\n"
                              "a=fmtp:101 0-15\r\n"
                              "a=ice-pwd:a2a1b7a1c3e1f3a9d6d4d3c9e8f7a6b5\r\n"
                              "a=ice-ufrag:1a2b3c4d\r\n"
                              "a=mid:0\r\n"
                              "a=msid:{11aa22bb-33cc-44dd-55ee-66ff77aa88bb} {22aa22bb-33cc-44dd-55ee-66ff77aa88bb}\r\n"
                              "a=rtcp-mux\r\n"
                              "a=rtpmap:109 opus/48000/2\r\n"
                              "a=setup:actpass\r\n"
                              "a=ssrc:3735928559 cname:{33aa22bb-33cc-44dd-55ee-66ff77aa88bb}\r\n";

struct check_case {
    const char *sdp;
    enum err err;
    const char *why; /* part of it */
};

static const struct check_case check_cases[] = {
    {chromium, ERR_OK, ""},
    {firefox, ERR_OK, ""},
    {HEAD, ERR_OK, ""},
    {"v=0\no=- 1 1 IN IP4 0.0.0.0\ns=-\nt=0 0\nm=audio 9 UDP/TLS/RTP/SAVPF 0", ERR_OK, ""},
    {"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ni=x\r\ns=-\r\nc=IN IP4 1.2.3.4\r\nb=AS:1\r\nt=0 0\r\n\r\n\n", ERR_OK, ""},
    {HEAD "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\n", ERR_OK, ""},
    {HEAD "m=video 0 UDP/TLS/RTP/SAVPF 96\r\n", ERR_OK, ""},
    {HEAD "m=video 0/2 UDP/TLS/RTP/SAVPF 96\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n", ERR_OK, ""},
    {HEAD "a=bundle-only\r\nm=video 0 UDP/TLS/RTP/SAVPF 96\r\n", ERR_OK, ""},
    {HEAD "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n", ERR_OK, ""},
    {HEAD "m=application 9 TCP/DTLS/SCTP webrtc-datachannel\r\n", ERR_OK, ""},
    {HEAD "m=application 9 DTLS/SCTP 5000\r\na=sctpmap:5000 webrtc-datachannel 1024\r\n", ERR_OK, ""},
    {HEAD "m=video 9 UDP/TLS/RTP/SAVPF 96\r\n", ERR_MEDIA_NOT_ALLOWED, "section 1 (`m=video`)"},
    {HEAD "m=audio 9 X 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n", ERR_MEDIA_NOT_ALLOWED, "section 2 (`m=video`)"},
    {HEAD "m=audio 9 X 0\r\nm=video 9 X 96\r\nm=audio 9 X 0\r\n", ERR_MEDIA_NOT_ALLOWED, "section 2 (`m=video`)"},
    {HEAD "m=audio 9 X 0\r\nm=video 0 X 96\r\na=mid:1\r\na=bundle-only\r\n", ERR_MEDIA_NOT_ALLOWED, "section 2"},
    {HEAD "m=video 0 X 96\r\na=Bundle-Only \r\nm=audio 9 X 0\r\n", ERR_MEDIA_NOT_ALLOWED, "section 1"},
    {HEAD "m=VIDEO 9 X 96\r\n", ERR_MEDIA_NOT_ALLOWED, "`m=VIDEO`"},
    {HEAD "m=audiovideo 9 X 96\r\n", ERR_MEDIA_NOT_ALLOWED, "`m=audiovideo`"},
    {HEAD "m= video 9 X 96\r\n", ERR_MEDIA_NOT_ALLOWED, "`m=video`"},
    {HEAD "m=text 9 X 96\r\n", ERR_MEDIA_NOT_ALLOWED, "`m=text`"},
    {HEAD "m=192.0.2.1\xff 9 X 96\r\n", ERR_MEDIA_NOT_ALLOWED, "`m=192?0?2?1?`"},
    {HEAD "m=application 9 UDP/TLS/RTP/SAVPF 101\r\n", ERR_MEDIA_NOT_ALLOWED, "`m=application`"},
    {HEAD "m=application 9 UDP/DTLS/SCTP 5000\r\n", ERR_MEDIA_NOT_ALLOWED, "`m=application`"},
    {HEAD "m=application 9 UDP/BFCP webrtc-datachannel\r\n", ERR_MEDIA_NOT_ALLOWED, "`m=application`"},
    {"", ERR_BAD_REQUEST, "does not begin with `v=0`"},
    {"\r\n", ERR_BAD_REQUEST, "line 1 of the description is empty"},
    {"v=1\r\n", ERR_BAD_REQUEST, "does not begin with `v=0`"},
    {" v=0\r\n", ERR_BAD_REQUEST, "line 1 of the description is not `x=…`"},
    {"o=- 1 1 IN IP4 0.0.0.0\r\nv=0\r\ns=-\r\nt=0 0\r\n", ERR_BAD_REQUEST, "does not begin with `v=0`"},
    {"v=0\r\n", ERR_BAD_REQUEST, "`o=`"},
    {"v=0\r\ns=-\r\no=- 1 1 IN IP4 0.0.0.0\r\nt=0 0\r\n", ERR_BAD_REQUEST, "`s=`"},
    {"v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nm=audio 9 X 0\r\nt=0 0\r\n", ERR_BAD_REQUEST, "`t=`"},
    {"v=0\r\no=-\r\nhello\r\n", ERR_BAD_REQUEST, "line 3 of the description is not `x=…`"},
    {"v=0\r\no=-\r\n\r\ns=-\r\n", ERR_BAD_REQUEST, "line 3 of the description is empty"},
    {HEAD "A=x\r\n", ERR_BAD_REQUEST, "line 5"},
    {HEAD "=x\r\n", ERR_BAD_REQUEST, "line 5"},
    {HEAD "a\r\n", ERR_BAD_REQUEST, "line 5"},
    {HEAD "a=x\ra=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n", ERR_BAD_REQUEST, "line 5 of the description holds"},
    {HEAD "m=audio\r\n", ERR_BAD_REQUEST, "line 5 of the description is not `m="},
    {HEAD "m=audio x X 0\r\n", ERR_BAD_REQUEST, "line 5"},
    {HEAD "m=audio 65536 X 0\r\n", ERR_BAD_REQUEST, "line 5"},
    {HEAD "m=audio -1 X 0\r\n", ERR_BAD_REQUEST, "line 5"},
    {HEAD "m=audio 9 X\r\n", ERR_BAD_REQUEST, "line 5"},
    {"{\"sdp\":\"v=0\"}", ERR_BAD_REQUEST, "line 1"},
};

Test(sdp, audio_policy_table)
{
    for (size_t i = 0; i < ARRAY_SIZE(check_cases); i++) {
        char why[160] = "";
        enum err e = sdp_check(slice_of(check_cases[i].sdp), MEDIA_AUDIO, WHY_IN(why));
        cr_expect_eq(e, check_cases[i].err, "case %zu: %d (%s)\n%s", i, e, why, check_cases[i].sdp);
        cr_expect_not_null(strstr(why, check_cases[i].why), "case %zu: %s", i, why);
    }
}

Test(sdp, any_policy_lets_all_media_pass_and_no_other_text)
{
    for (size_t i = 0; i < ARRAY_SIZE(check_cases); i++) {
        char why[160] = "";
        enum err expected = check_cases[i].err == ERR_MEDIA_NOT_ALLOWED ? ERR_OK : check_cases[i].err;
        cr_expect_eq(sdp_check(slice_of(check_cases[i].sdp), MEDIA_ANY, WHY_IN(why)), expected, "case %zu: %s", i, why);
    }
}

Test(sdp, nul_inside_is_refused)
{
    char why[160] = "";
    cr_expect_eq(sdp_check(SLICE(HEAD "a=x\0a=y\r\n"), MEDIA_ANY, WHY_IN(why)), ERR_BAD_REQUEST);
}

static void blank(struct slice sdp, struct buf *out)
{
    buf_init(out, CAP);
    cr_assert_eq(sdp_blank_addresses(sdp, out), ERR_OK);
}

Test(sdp, blanking_takes_addresses_and_leaves_the_rest)
{
    struct buf out;
    blank(slice_of(chromium), &out);
    cr_expect_str_eq(buf_cstr(&out), chromium_blank);
    buf_finish(&out);
    blank(slice_of(firefox), &out);
    cr_expect_str_eq(buf_cstr(&out), firefox);
    buf_finish(&out);
}

static const struct {
    const char *in, *out; /* without the line's end; out NULL: the line is gone */
} lines[] = {
    {"o=alice 1 2 IN IP6 2001:db8::1", "o=alice 1 2 IN IP4 0.0.0.0"},
    {"o=alice 1 2 IN IP4 alices-laptop.example.org", "o=alice 1 2 IN IP4 0.0.0.0"},
    {"o=alice@192.0.2.1  1 2 IN IP4 192.0.2.1 192.0.2.2", "o=alice@0.0.0.0 1 2 IN IP4 0.0.0.0"},
    {"o=192.0.2.1", "o=0.0.0.0 0 0 IN IP4 0.0.0.0"},
    {"o=", "o=- 0 0 IN IP4 0.0.0.0"},
    {"c=IN IP4 224.2.1.1/127/3", "c=IN IP4 0.0.0.0"},
    {"c=IN IP6 2001:db8::1", "c=IN IP4 0.0.0.0"},
    {"c=IN IP4 laptop.lan", "c=IN IP4 0.0.0.0"},
    {"c=", "c=IN IP4 0.0.0.0"},
    {"m=audio 46154/2 RTP/AVP 0 8", "m=audio 9 RTP/AVP 0 8"},
    {"m=audio 0 RTP/AVP 0 8", "m=audio 0 RTP/AVP 0 8"},
    {"m=192.0.2.1 9", "m=0.0.0.0 9"},
    {"m=2001:db8::1", "m=::"},
    {"a=rtcp:9 IN IP4 192.0.2.1", "a=rtcp:9 IN IP4 0.0.0.0"},
    {"a=RTCP :53020 IN IP6 2001:db8::2", "a=rtcp:9 IN IP4 0.0.0.0"},
    {"a=rtcp:53020 IN IP4 laptop.lan", "a=rtcp:9 IN IP4 0.0.0.0"},
    {"a=rtcp-mux", "a=rtcp-mux"},
    {"a=candidate:1 1 udp 1 192.0.2.1 1 typ host", NULL},
    {"a=CANDIDATE:1 1 udp 1 192.0.2.1 1 typ srflx raddr 10.0.0.1 rport 5", NULL},
    {"a= candidate :1 1 udp 1 192.0.2.1 1 typ host", NULL},
    {"a=candidate :1 1 udp 1 198.51.100.7 1 typ relay", NULL},
    {"a=candidate:1  1\tudp 1 192.0.2.1  1 TYP Host", NULL},
    {"a=candidate:1 1 udp 1 192.0.2.1 1 typ tcp-host", NULL},
    {"a=candidate:1 1 udp 1 198.51.100.7 1 typ relay typ host", NULL},
    {"a=candidate:nonsense 192.0.2.1", NULL},
    {"a=candidate", NULL},
    {"a=candidate:1 1 udp 1 198.51.100.7 1 typ relay raddr 10.0.0.1 rport 5",
     "a=candidate:1 1 udp 1 198.51.100.7 1 typ relay raddr 0.0.0.0 rport 0"},
    {"a=candidate:1 1 udp 1 2001:db8::7 1 typ relay raddr fe80::1 rport 5",
     "a=candidate:1 1 udp 1 2001:db8::7 1 typ relay raddr :: rport 0"},
    {"a=remote-candidates:1 192.0.2.1 5000 2 192.0.2.1 5001", NULL},
    {"a=Remote-Candidates:1 host.lan 5000", NULL},
    {"a=acap:1 candidate:1 1 udp 1 192.0.2.1 1 typ host", NULL},
    {"a=x-candidate:192.0.2.1", NULL},
    {"a=end-of-candidates", "a=end-of-candidates"},
    {"a=end-of-candidates:host.lan", "a=end-of-candidates"},
    {"a=fingerprint:x candidate:1", NULL},
    {"a=source-filter: incl IN IP4 * host.example.org", NULL},
    {"a=altc:1 IP6 2001:db8::1 45678", NULL},
    {"a=ccap:1 IN IP4 192.0.2.1", NULL},
    {"a=ts-refclk:localmac=39-A7-94-FF-FE-07", NULL},
    {"a=fingerprint:sha-256 " DIGEST, "a=fingerprint:sha-256 " DIGEST},
    {"a=fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB",
     "a=fingerprint:sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB"},
    {"a=fingerprint:sha-256 20:01:0d:b8:00:00:00:01", "a=fingerprint:sha-256 ::"},
    {"a=fingerprint:sha-256 2001:db8::1", "a=fingerprint:sha-256 ::"},
    {"a=ssrc:1 cname:alice@192.0.2.1", "a=ssrc:1 cname:alice@0.0.0.0"},
    {"a=x-local-addr:2001:db8::1", "a=x-local-addr:::"},
    {"a=face:2001:db8::1", NULL},
    {"a=rtcp8::", NULL},
    {"a=192.0.2.1", NULL},
    {"a=x:host=192.0.2.1,fe80::1%wlan0;p=5", "a=x:host=0.0.0.0,::%wlan0;p=5"},
    {"a=x:1f4712db.local", "a=x:0.0.0.0"},
    {"a=control:rtsp://[2001:db8::1]:554/a", "a=control:rtsp://[::]:554/a"},
    {"a=path:msrp://192.0.2.1:7654/x;tcp", "a=path:msrp://0.0.0.0:7654/x;tcp"},
    {"u=http://192.0.2.1/", "u=http://0.0.0.0/"},
    {"e=alice@[192.0.2.1]", "e=alice@[0.0.0.0]"},
    {"i=call from 2001:db8::1.", "i=call from ::."},
    {"s=192.0.2.1", "s=0.0.0.0"},
    {"k=uri:https://192.0.2.1/key", "k=uri:https://0.0.0.0/key"},
    {"b=AS:64", "b=AS:64"},
    {"a=sctpmap:5000 webrtc-datachannel 1024", "a=sctpmap:5000 webrtc-datachannel 1024"},
};

Test(sdp, blanking_line_by_line)
{
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        struct buf in, once, twice, expected;
        buf_init(&in, CAP);
        buf_init(&expected, CAP);
        buf_putf(&in, "v=0\r\n%s\na=last\n", lines[i].in);
        buf_putf(&expected, "v=0\r\n%s%sa=last\n", lines[i].out ? lines[i].out : "", lines[i].out ? "\n" : "");
        blank(buf_slice(&in), &once);
        blank(buf_slice(&once), &twice);
        cr_expect_str_eq(buf_cstr(&once), buf_cstr(&expected));
        cr_expect_str_eq(buf_cstr(&twice), buf_cstr(&expected), "twice");
        buf_finish(&in);
        buf_finish(&once);
        buf_finish(&twice);
        buf_finish(&expected);
    }
}

Test(sdp, blanking_refuses_what_is_no_sdp_and_a_full_buffer_and_appends_nothing)
{
    struct buf out;
    buf_init(&out, 64);
    buf_put_cstr(&out, "before");
    cr_expect_eq(sdp_blank_addresses(SLICE("v=0\r\nhello"), &out), ERR_BAD_REQUEST);
    cr_expect_eq(sdp_blank_addresses(SLICE("v=0\r\na=x\ra=y"), &out), ERR_BAD_REQUEST);
    cr_expect_eq(sdp_blank_addresses(SLICE("v=0\r\nA=candidate:1 1 udp 1 1.2.3.4 1 typ host"), &out), ERR_BAD_REQUEST);
    cr_expect_str_eq(buf_cstr(&out), "before");
    cr_expect_eq(sdp_blank_addresses(slice_of(chromium), &out), ERR_TOO_LARGE);
    cr_expect_str_eq(buf_cstr(&out), "before");
    buf_finish(&out);
}

/* The independent scan: it knows nothing of SDP and asks the C library what an address is. */

struct addresses {
    char text[ADDRESSES_MAX][ADDRESS_CHARS];
    size_t n;
};

static bool is_unspecified(const char *text)
{
    return strcmp(text, "0.0.0.0") == 0 || strcmp(text, "::") == 0;
}

static void note_if_address(const char *p, size_t n, struct addresses *found)
{
    unsigned char bin[16];
    char word[ADDRESS_CHARS];
    while (n > 0 && p[n - 1] == '.')
        n--;
    if (n == 0 || n >= sizeof word)
        return;
    memcpy(word, p, n);
    word[n] = '\0';
    bool is_local = n > 6 && strcmp(word + n - 6, ".local") == 0;
    if ((!is_local && inet_pton(AF_INET, word, bin) != 1 && inet_pton(AF_INET6, word, bin) != 1) ||
        is_unspecified(word))
        return;
    cr_assert_lt(found->n, (size_t)ADDRESSES_MAX);
    memcpy(found->text[found->n++], word, n + 1);
}

/* Words of the given characters that are addresses, and what is left of each first colon. */
static void scan_words(const char *text, const char *chars, struct addresses *found)
{
    for (const char *p = text; *p;) {
        p += strcspn(p, chars);
        size_t n = strspn(p, chars);
        note_if_address(p, n, found);
        p += n;
    }
}

static void scan(const char *text, struct addresses *found)
{
    found->n = 0;
    scan_words(text, "0123456789.", found);
    scan_words(text, "0123456789abcdefABCDEF:.", found);
    scan_words(text, "0123456789abcdefghijklmnopqrstuvwxyz-.", found);
}

static bool is_relays_own(const char *sdp, const char *address)
{
    for (const char *p = sdp; (p = strstr(p, address)); p++) {
        const char *line = p;
        while (line > sdp && line[-1] != '\n')
            line--;
        size_t n = strcspn(line, "\n");
        const char *typ = memmem(line, n, " typ relay", 10);
        if (strncmp(line, "a=candidate:", 12) == 0 && typ && p < typ)
            return true;
    }
    return false;
}

static void assert_no_address_remains(struct buf *in, struct buf *out)
{
    struct addresses before, after;
    scan(buf_cstr(in), &before);
    scan(buf_cstr(out), &after);
    for (size_t i = 0; i < after.n; i++) {
        bool was_there = false;
        for (size_t j = 0; j < before.n; j++)
            was_there = was_there || strcmp(before.text[j], after.text[i]) == 0;
        cr_expect(!was_there || is_relays_own(buf_cstr(out), after.text[i]), "%s remains in\n%s", after.text[i],
                  buf_cstr(out));
    }
}

static unsigned next_random(unsigned *state)
{
    *state = *state * 1103515245u + 12345u;
    return *state >> 16;
}

/* A description of pieces put together at random: lines of the table above, addresses at odd places. */
static void put_random_sdp(struct buf *sdp, unsigned *state)
{
    static const char *const glue[] = {" ", ":", "=", "/", ",", ";",  "@", "[",
                                       "]", "-", "x", "7", ".", "\t", "%", "\""};
    static const char *const addresses[] = {"192.0.2.77",   "10.11.12.13",          "2001:db8::77", "fe80::1:2",
                                            "::77",         "2001:db8:1:2:3:4:5:6", "abc-7.local",  "::ffff:192.0.2.78",
                                            "203.0.113.250"};
    static const char *const starts[] = {
        "a=x:",           "a=", "s=", "c=", "o=", "m=", "a=rtcp:", "i=", "u=", "k=", "a=candidate:", "a=ssrc:",
        "a=fingerprint:", "e="};
    buf_put_cstr(sdp, "v=0\r\n");
    for (unsigned i = 0; i < 12; i++) {
        if (next_random(state) % 3 == 0) {
            buf_put_cstr(sdp, lines[next_random(state) % ARRAY_SIZE(lines)].in);
        } else {
            buf_put_cstr(sdp, starts[next_random(state) % ARRAY_SIZE(starts)]);
            for (unsigned n = next_random(state) % 6; n > 0; n--) {
                buf_put_cstr(sdp, glue[next_random(state) % ARRAY_SIZE(glue)]);
                buf_put_cstr(sdp, addresses[next_random(state) % ARRAY_SIZE(addresses)]);
            }
        }
        buf_put_cstr(sdp, next_random(state) % 2 ? "\r\n" : "\n");
    }
}

static void check_property(struct buf *in)
{
    struct buf once, twice;
    blank(buf_slice(in), &once);
    blank(buf_slice(&once), &twice);
    cr_expect_str_eq(buf_cstr(&once), buf_cstr(&twice), "not idempotent:\n%s", buf_cstr(in));
    assert_no_address_remains(in, &once);
    buf_finish(&once);
    buf_finish(&twice);
}

Test(sdp, no_address_survives_blanking_but_the_relays_own)
{
    struct buf in;
    buf_init(&in, CAP);
    buf_put_cstr(&in, chromium);
    check_property(&in);
    unsigned state = 20240917;
    for (size_t i = 0; i < 3000; i++) {
        buf_clear(&in);
        put_random_sdp(&in, &state);
        check_property(&in);
    }
    buf_finish(&in);
}

Test(sdp, the_scan_itself_finds_addresses)
{
    struct addresses found;
    scan("a=x:192.0.2.1 [2001:db8::1] abc-7.local 0.0.0.0 " DIGEST, &found);
    cr_expect_eq(found.n, 4u, "%zu; the IPv4 address twice", found.n);
}
