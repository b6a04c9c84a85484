#include "common/base/rendezvous.h"

/* FNV-1a, then the finalizer of MurmurHash3: FNV alone leaves names that differ in one character too close. */
uint64_t rendezvous_weight(const struct node_id *node, unsigned partition)
{
    uint64_t h = 14695981039346656037u;
    for (const char *p = node->text; *p; p++)
        h = (h ^ (unsigned char)*p) * 1099511628211u;
    h ^= partition;
    h = (h ^ h >> 33) * 0xff51afd7ed558ccdu;
    h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 33;
}
