/*
 * Key sets: any bytes as a JWKS.
 */
#include <stdlib.h>

#include "common/auth/jwks.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char why[128] = "";
    struct keyring *ring = keyring_create();
    enum err e = jwks_read(slice_make(data, n), ring, WHY_IN(why));
    /* a set that is taken has keys, one that is not has a reason */
    if ((e == ERR_OK) != (why[0] == '\0') || (e == ERR_OK && keyring_count(ring) == 0))
        abort();
    for (size_t i = 0; i < keyring_count(ring); i++)
        (void)jwt_key_verifies(ring->keys[i], SLICE("text"), slice_make(data, n));
    keyring_destroy(ring);
    return 0;
}
