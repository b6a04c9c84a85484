#include "common/base/err.h"

#include <stdbool.h>
#include <stddef.h>

static const struct {
    const char *code;
    const char *text;
} errors[ERR_COUNT] = {
#define X(name, code, retry, text) {code, text},
    ERR_TABLE(X)
#undef X
};

static bool is_known(enum err e)
{
    return (unsigned)e < ERR_COUNT;
}

const char *err_code(enum err e)
{
    return is_known(e) ? errors[e].code : NULL;
}

const char *err_text(enum err e)
{
    return is_known(e) ? errors[e].text : "unknown error";
}
