#include "common/auth/keyring.h"

#include <stdlib.h>
#include <string.h>

#include "common/auth/file.h"
#include "common/auth/jwks.h"
#include "common/auth/keyring_private.h"

enum {
    SECRET_FILE_MAX = 4096,
    PEM_FILE_MAX = 64 * 1024,
    JWKS_FILE_MAX = 256 * 1024,
    WHY_INNER = 200,
};

static const char *const names[JWT_ALGORITHM_COUNT] = {
    [JWT_HS256] = "HS256",
    [JWT_RS256] = "RS256",
    [JWT_ES256] = "ES256",
    [JWT_EDDSA] = "EdDSA",
};

const char *jwt_algorithm_name(enum jwt_algorithm algorithm)
{
    return names[algorithm];
}

struct keyring *keyring_create(void)
{
    struct keyring *ring = calloc(1, sizeof *ring);
    if (!ring)
        abort();
    return ring;
}

void keyring_destroy(struct keyring *ring)
{
    if (!ring)
        return;
    for (size_t i = 0; i < ring->count; i++)
        jwt_key_destroy(ring->keys[i]);
    free(ring);
}

size_t keyring_count(const struct keyring *ring)
{
    return ring->count;
}

static bool has_kid(const struct keyring *ring, const char *kid)
{
    if (kid[0] == '\0')
        return false;
    for (size_t i = 0; i < ring->count; i++)
        if (strcmp(ring->keys[i]->kid, kid) == 0)
            return true;
    return false;
}

static enum err check_room(const struct keyring *ring, const struct jwt_key *key, struct why why)
{
    if (has_kid(ring, key->kid))
        return why_fail(why, ERR_CONFLICT, "its kid is another key's already");
    if (ring->count == KEYRING_MAX)
        return why_fail(why, ERR_SYNTAX, "more than %d keys", KEYRING_MAX);
    return ERR_OK;
}

enum err keyring_take(struct keyring *ring, struct jwt_key *key, struct why why)
{
    enum err e = check_room(ring, key, why);
    if (e == ERR_OK)
        ring->keys[ring->count++] = key;
    else
        jwt_key_destroy(key);
    return e;
}

/* Moves all keys of `from`, or none. */
static enum err move_all(struct keyring *ring, struct keyring *from, struct why why)
{
    size_t before = ring->count;
    for (size_t i = 0; i < from->count; i++) {
        enum err e = check_room(ring, from->keys[i], why);
        if (e != ERR_OK) {
            ring->count = before; /* they are still `from`'s */
            return e;
        }
        ring->keys[ring->count++] = from->keys[i];
    }
    from->count = 0;
    return ERR_OK;
}

/* With `kid`, into the ring; takes the key. */
static enum err take_named(struct keyring *ring, struct slice kid, struct jwt_key *key, struct why why)
{
    if (kid.n > 0)
        memcpy(key->kid, kid.p, kid.n); /* the rest is zero */
    return keyring_take(ring, key, why);
}

static enum err check_kid(struct slice kid, struct why why)
{
    if (kid.n > KEY_KID_MAX || slice_find(kid, '\0') < kid.n)
        return why_fail(why, ERR_SYNTAX, "a kid has 1 to %d bytes", KEY_KID_MAX);
    return ERR_OK;
}

enum err keyring_add_secret(struct keyring *ring, struct slice kid, struct slice secret, struct why why)
{
    struct jwt_key *key;
    enum err e = check_kid(kid, why);
    if (e == ERR_OK)
        e = jwt_key_from_secret(secret, &key, why);
    if (e == ERR_OK)
        e = take_named(ring, kid, key, why);
    return e;
}

static enum err add_jwks_file(struct keyring *ring, const char *path, struct why why)
{
    char inner[WHY_INNER] = "";
    struct keyring *fresh = keyring_create();
    struct buf file;
    enum err e = auth_file_read(path, JWKS_FILE_MAX, &file, why);
    if (e != ERR_OK)
        goto done;
    e = jwks_read(buf_slice(&file), fresh, WHY_IN(inner));
    if (e == ERR_OK)
        e = move_all(ring, fresh, WHY_IN(inner));
    if (e != ERR_OK)
        why_fail(why, e, "%s: %s", path, inner);
done:
    auth_file_forget(&file);
    keyring_destroy(fresh);
    return e;
}

static enum err add_key_file(struct keyring *ring, enum jwt_algorithm algorithm, struct slice kid, const char *path,
                             struct why why)
{
    char inner[WHY_INNER] = "";
    struct why cause = {inner, sizeof inner};
    struct jwt_key *key;
    struct buf file;
    enum err e = auth_file_read(path, algorithm == JWT_HS256 ? SECRET_FILE_MAX : PEM_FILE_MAX, &file, why);
    if (e != ERR_OK)
        goto done;
    if (algorithm == JWT_HS256)
        e = jwt_key_from_secret(auth_file_line(&file), &key, cause);
    else
        e = jwt_key_from_pem(algorithm, buf_slice(&file), &key, cause);
    if (e == ERR_OK)
        e = take_named(ring, kid, key, cause);
    if (e != ERR_OK)
        why_fail(why, e, "%s: %s", path, inner);
done:
    auth_file_forget(&file);
    return e;
}

/* Takes `kid=NAME:` off the front of the spec's rest; the empty slice when there is none. */
static enum err split_kid(struct slice *rest, struct slice *ret_kid, struct why why)
{
    struct slice kid = {NULL, 0};
    struct slice label = SLICE("kid=");
    if (slice_starts(*rest, label)) {
        size_t end = slice_find(*rest, ':');
        kid = slice_make(rest->p + label.n, end - label.n);
        if (end == rest->n || kid.n == 0)
            return why_fail(why, ERR_SYNTAX, "after kid= come a name, a colon and the key");
        *rest = slice_make(rest->p + end + 1, rest->n - end - 1);
    }
    *ret_kid = kid;
    return check_kid(kid, why);
}

static enum err add_key(struct keyring *ring, enum jwt_algorithm algorithm, struct slice rest, struct why why)
{
    struct slice kid;
    enum err e = split_kid(&rest, &kid, why);
    if (e != ERR_OK)
        return e;
    if (slice_starts(rest, SLICE("@"))) {
        char *path = slice_dup(slice_make(rest.p + 1, rest.n - 1));
        e = add_key_file(ring, algorithm, kid, path, why);
        free(path);
        return e;
    }
    if (algorithm != JWT_HS256)
        return why_fail(why, ERR_SYNTAX, "a %s key is in a PEM file: %s:@FILE", names[algorithm], names[algorithm]);
    return keyring_add_secret(ring, kid, rest, why);
}

enum err keyring_add(struct keyring *ring, struct slice spec, struct why why)
{
    size_t colon = slice_find(spec, ':');
    struct slice kind = slice_make(spec.p, colon);
    struct slice rest = colon < spec.n ? slice_make(spec.p + colon + 1, spec.n - colon - 1) : SLICE("");
    if (slice_is(kind, "jwks") && slice_starts(rest, SLICE("@"))) {
        char *path = slice_dup(slice_make(rest.p + 1, rest.n - 1));
        enum err e = add_jwks_file(ring, path, why);
        free(path);
        return e;
    }
    for (size_t i = 0; i < JWT_ALGORITHM_COUNT && colon < spec.n; i++)
        if (slice_is(kind, names[i]))
            return add_key(ring, (enum jwt_algorithm)i, rest, why);
    /* what stands there may be a secret without its prefix: not repeated */
    return why_fail(why, ERR_SYNTAX,
                    "a key is HS256:SECRET, HS256:@FILE, RS256:@FILE, ES256:@FILE, EdDSA:@FILE or jwks:@FILE");
}
