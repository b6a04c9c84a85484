/** Whether bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF). NUL is well-formed. */
#ifndef COMMON_BASE_UTF8_H
#define COMMON_BASE_UTF8_H

#include <stdbool.h>

#include "common/base/slice.h"

bool utf8_is_valid(struct slice);

#endif
