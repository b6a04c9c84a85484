/*
 * Tokens: any bytes as a token, and any bytes as the claims of a token with a good signature.
 */
#include <stdlib.h>

#include "common/auth/claims.h"
#include "common/auth/jwks.h"
#include "common/auth/jwt.h"
#include "common/auth/keyring_private.h"
#include "common/auth/pattern.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

enum { NOW = 1300819000 }; /* when the RFCs' examples were good */

/* RFC 7515 A.1 to A.3, RFC 8037 A.2 */
static const char jwks[] =
    "{\"keys\":[{\"kty\":\"oct\",\"k\":\"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjA"
    "zZr1Z9CAow\"},{\"kty\":\"RSA\",\"e\":\"AQAB\",\"n\":\"ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddx"
    "HmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-"
    "bSf63kpaSH"
    "SXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-"
    "DWNmoudF8"
    "NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ\"},{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":"
    "\"f83OJ3D2xF1Bg8vub9"
    "tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\",\"kid\":\"ec\"},{\"kty\":"
    "\"OKP\","
    "\"crv\":\"Ed25519\",\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}";

static struct keyring *ring_of_all_kinds(void)
{
    struct keyring *ring = keyring_create();
    if (jwks_read(slice_of(jwks), ring, WHY_NONE) != ERR_OK || keyring_count(ring) != JWT_ALGORITHM_COUNT)
        abort();
    return ring;
}

/* What holds of every accepted token. */
static void check(const struct claims *claims)
{
    if (!name_is_valid(slice_of(claims->user)) || claims->call_count > JWT_PATTERNS_MAX ||
        claims->role_count > JWT_PATTERNS_MAX || claims->expires_s + JWT_LEEWAY_S <= NOW)
        abort();
    for (size_t i = 0; i < claims->call_count; i++)
        (void)pattern_matches(slice_of(claims->call[i]), slice_of(claims->user));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    static struct keyring *ring; /* the one thing kept from run to run */
    char why[128];
    struct claims claims;
    struct jwt_expect expect = {"joe", "calls"};
    struct slice bytes = slice_make(data, n);
    if (!ring)
        ring = ring_of_all_kinds();
    if (jwt_verify(ring, NULL, bytes, NOW, &claims, WHY_IN(why)) == ERR_OK) {
        check(&claims);
        claims_finish(&claims);
    }
    if (claims_read(bytes, n % 2 ? &expect : NULL, NOW, &claims, WHY_IN(why)) == ERR_OK) {
        check(&claims);
        claims_finish(&claims);
    }
    return 0;
}
