#include "common/base/err.h"

#include <stdbool.h>
#include <stddef.h>

const char *const err_codes[ERR_COUNT] = {
#define X(name, code, retry, text) code,
    ERR_TABLE(X)
#undef X
};

static const char *const texts[ERR_COUNT] = {
#define X(name, code, retry, text) text,
    ERR_TABLE(X)
#undef X
};

static bool is_known(enum err e)
{
    return (unsigned)e < ERR_COUNT;
}

const char *err_code(enum err e)
{
    return is_known(e) ? err_codes[e] : NULL;
}

const char *err_text(enum err e)
{
    return is_known(e) ? texts[e] : "unknown error";
}
