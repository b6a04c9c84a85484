#include "common/auth/why.h"

#include <stdarg.h>
#include <stdio.h>

enum err why_fail(struct why why, enum err e, const char *fmt, ...)
{
    if (why.p && why.n > 0) {
        va_list args;
        va_start(args, fmt);
        vsnprintf(why.p, why.n, fmt, args);
        va_end(args);
    }
    return e;
}
