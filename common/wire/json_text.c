#include "common/wire/json_text.h"

#include <stdint.h>
#include <string.h>

/* No byte below 0x20, none above 0x7f, none that is a quote or a backslash. */
static bool are_plain(uint64_t eight)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), tops = ones << 7;
    uint64_t quote = eight ^ ones * '"', backslash = eight ^ ones * '\\';
    uint64_t hits = ((eight - ones * 0x20) & ~eight) | ((quote - ones) & ~quote) | ((backslash - ones) & ~backslash);
    return ((hits | eight) & tops) == 0;
}

const char *json_plain_end(const char *p, const char *end)
{
    uint64_t eight;
    while (end - p >= 8) {
        memcpy(&eight, p, sizeof(eight));
        if (!are_plain(eight))
            break;
        p += sizeof(eight);
    }
    while (p < end && json_is_plain(*p))
        p++;
    return p;
}
