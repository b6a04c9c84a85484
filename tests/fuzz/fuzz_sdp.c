/* Whatever comes in: no crash, and what blanking lets through holds no host or reflexive candidate and stays as it is the second time. */
#include <stdlib.h>

#include "node/call/candidate.h"
#include "node/call/sdp.h"

enum { CAP = 1 << 24 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds)
        abort();
}

static bool contains_nocase(struct slice text, const char *part)
{
    struct slice p = slice_of(part);
    for (size_t i = 0; i + p.n <= text.n; i++)
        if (slice_eq_nocase(slice_make(text.p + i, p.n), p))
            return true;
    return false;
}

static void check_lines(struct slice sdp)
{
    struct slice line;
    while (slice_split(&sdp, '\n', &line)) {
        if (!slice_starts(line, SLICE("a=")) || !contains_nocase(line, "candidate:"))
            continue;
        struct buf out;
        buf_init(&out, CAP);
        must(candidate_for_relay(line, &out) == ERR_OK);
        buf_finish(&out);
        must(!contains_nocase(line, " typ host") && !contains_nocase(line, " typ srflx"));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice sdp = slice_make(data, size);
    char why[160];
    struct buf once, twice;
    buf_init(&once, CAP);
    buf_init(&twice, CAP);
    enum err checked = sdp_check(sdp, MEDIA_AUDIO, WHY_IN(why));
    enum err blanked = sdp_blank_addresses(sdp, &once);
    must(checked == ERR_BAD_REQUEST || checked == ERR_MEDIA_NOT_ALLOWED || blanked == ERR_OK);
    if (blanked == ERR_OK) {
        must(sdp_blank_addresses(buf_slice(&once), &twice) == ERR_OK);
        must(slice_eq(buf_slice(&once), buf_slice(&twice)));
        must(checked != ERR_OK || sdp_check(buf_slice(&once), MEDIA_AUDIO, WHY_IN(why)) == ERR_OK);
        check_lines(buf_slice(&once));
    }
    buf_finish(&once);
    buf_finish(&twice);
    return 0;
}
