#include "common/base/why.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/base/utf8.h"

/* Cut sentences and quoted rubbish must not make the reply that carries them malformed, nor a line of the log two. */
static void clean(char *text)
{
    bool is_utf8 = utf8_is_valid(slice_of(text));
    for (char *c = text; *c; c++) {
        unsigned char byte = (unsigned char)*c;
        if (byte < 0x20 || byte == 0x7f || (byte >= 0x80 && !is_utf8))
            *c = '?';
    }
}

enum err why_fail(struct why why, enum err e, const char *fmt, ...)
{
    va_list args;

    if (why.n == 0)
        return e;
    va_start(args, fmt);
    vsnprintf(why.p, why.n, fmt, args);
    va_end(args);
    clean(why.p);
    return e;
}
