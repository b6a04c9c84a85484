#include "tests/unit/common/auth/fixture.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/base64url.h"
#include "tests/unit/common/auth/keys.h"

struct temp_file file_with(const char *text)
{
    struct temp_file file = {"/tmp/switchboard-test-XXXXXX"};
    int fd = mkstemp(file.path);
    cr_assert(fd >= 0);
    cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    return file;
}

void file_drop(const struct temp_file *file)
{
    unlink(file->path);
}

enum err add_file(struct keyring *ring, const char *spec, const char *text, struct why why)
{
    char full[256];
    struct temp_file file = file_with(text);
    snprintf(full, sizeof full, "%s%s", spec, file.path);
    enum err e = keyring_add(ring, slice_of(full), why);
    file_drop(&file);
    return e;
}

struct keyring *ring_with_file(const char *spec, const char *text)
{
    char why[256] = "";
    struct keyring *ring = keyring_create();
    cr_assert_eq(add_file(ring, spec, text, WHY_IN(why)), ERR_OK, "%s", why);
    return ring;
}

struct keyring *ring_with_secret(const char *kid)
{
    struct keyring *ring = keyring_create();
    cr_assert_eq(keyring_add_secret(ring, slice_of(kid), SLICE(TEST_SECRET), WHY_NONE), ERR_OK);
    return ring;
}

struct keyring *ring_with_jwks(const char *keys)
{
    char json[4096];
    snprintf(json, sizeof json, "{\"keys\":[%s]}", keys);
    return ring_with_file("jwks:@", json);
}

void forge(const struct keyring *ring, const char *header, const char *payload, struct buf *out)
{
    struct buf signature;
    buf_init(out, 64 * 1024);
    buf_init(&signature, KEY_SIGNATURE_MAX);
    base64url_encode(out, slice_of(header));
    buf_put_char(out, '.');
    base64url_encode(out, slice_of(payload));
    cr_assert_eq(jwt_key_sign(ring->keys[0], buf_slice(out), &signature), ERR_OK);
    buf_put_char(out, '.');
    base64url_encode(out, buf_slice(&signature));
    cr_assert(!buf_failed(out));
    buf_finish(&signature);
}
