#include "common/base/name.h"

#include <assert.h>
#include <stdint.h>

#include "common/base/ascii.h"

bool name_is_valid(struct slice name)
{
    return name.n > 0 && name.n <= NAME_MAX_CHARS && ascii_is_made_of(name, "._@:+-");
}

unsigned partition_of_user(struct slice user, unsigned partitions)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    assert(partitions > 0);
    for (size_t i = 0; i < user.n; i++)
        hash = (hash ^ (unsigned char)user.p[i]) * UINT64_C(0x100000001b3);
    return (unsigned)((hash ^ hash >> 32) % partitions);
}
