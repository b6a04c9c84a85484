#include "common/base/ascii.h"

bool ascii_is_made_of(struct slice s, const char *others)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!ascii_is_alnum(s.p[i]) && (s.p[i] == '\0' || !strchr(others, s.p[i])))
            return false;
    }
    return true;
}
