#include "benchmarks/payload.h"

#include "common/wire/writer.h"

static const char audio[] =
    "a=group:BUNDLE 0\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS 5f1e1d2c-9f1a-4a0b-8a3e-6a9c21f0d7a1\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 0.0.0.0\r\na=rtcp:9 IN IP4 0.0.0.0\r\n"
    "a=ice-ufrag:EEtu\r\na=ice-pwd:Mft4A5lJ/9a+bCdEfGhIjKlM\r\na=ice-options:trickle\r\n"
    "a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:"
    "19:08\r\na=mid:0\r\na=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
    "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"
    "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=sendrecv\r\n"
    "a=msid:5f1e1d2c-9f1a-4a0b-8a3e-6a9c21f0d7a1 11aa22bb-33cc-44dd-55ee-66ff77aa88bb\r\na=rtcp-mux\r\n"
    "a=rtcp-rsize\r\na=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\n"
    "a=fmtp:111 minptime=10;useinbandfec=1\r\na=rtpmap:63 red/48000/2\r\na=fmtp:63 111/111\r\na=rtpmap:9 G722/8000\r\n"
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:13 CN/8000\r\na=rtpmap:110 telephone-event/48000\r\n"
    "a=rtpmap:126 telephone-event/8000\r\na=ssrc:2231627014 cname:Uv7bQ8c0SgAi8xVm\r\n";

/* Attributes of the length still wanted: what a browser with more codecs would have there. */
static void pad(struct buf *out, size_t end)
{
    const struct slice prefix = SLICE("a=x-more:");
    for (unsigned i = 0; out->n + 64 < end; i++)
        buf_putf(out, "a=rtcp-fb:%u nack pli\r\n", 96 + i % 32);
    buf_put(out, prefix);
    while (out->n + 2 < end)
        buf_put_char(out, 'x');
    buf_put(out, SLICE("\r\n"));
}

void payload_description(const char *setup, struct buf *out)
{
    buf_putf(out, "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n%sa=setup:%s\r\n", audio,
             setup);
    pad(out, PAYLOAD_SDP_BYTES);
}

void payload_candidate(struct buf *out)
{
    static const char json_around[] =
        "{\"candidate\":\"\",\"sdpMid\":\"0\",\"sdpMLineIndex\":0,\"usernameFragment\":\"EEtu\"}";
    char bytes[PAYLOAD_CANDIDATE_BYTES + 1];
    struct buf text;
    buf_init(&text, sizeof bytes);
    buf_put_cstr(&text, "candidate:842163049 1 udp 1677729535 203.0.113.5 46154 typ srflx raddr 10.0.0.17 rport 46154 "
                        "generation 0 ufrag EEtu x ");
    while (text.n < PAYLOAD_CANDIDATE_BYTES - (sizeof json_around - 1))
        buf_put_char(&text, '0');
    wire_put_map(out, 4);
    wire_put_key_string(out, "candidate", buf_slice(&text));
    wire_put_key_cstr(out, "sdpMid", "0");
    wire_put_key_int(out, "sdpMLineIndex", 0);
    wire_put_key_cstr(out, "usernameFragment", "EEtu");
    buf_finish(&text);
}
