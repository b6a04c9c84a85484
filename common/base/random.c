#include "common/base/random.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

void random_bytes(void *bytes, size_t n)
{
    char *p = bytes;
    while (n > 0) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort();
        p += got;
        n -= (size_t)got;
    }
}

/* SplitMix64 (Steele, Lea & Flood, 2014): a counter and a mixer, seeded by the kernel. */
static uint64_t next_u64(void)
{
    static _Thread_local uint64_t state;
    if (state == 0)
        random_bytes(&state, sizeof state);
    uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t random_below(uint64_t below)
{
    if (below == 0)
        return 0;
    /* What lies below the remainder would make the low numbers likelier: draw again. */
    uint64_t remainder = (UINT64_MAX - below + 1) % below, n;
    do
        n = next_u64();
    while (n < remainder);
    return n % below;
}
