#include "common/auth/claims.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/wire/value.h"

enum { PATTERN_MAX = 128 }; /* bytes of one pattern or role */

/* Far beyond any date, and still a number of seconds that can be counted in milliseconds. */
static const uint64_t seconds_max = UINT64_C(1) << 53;

static void free_list(char **list, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(list[i]);
    free(list);
}

void claims_finish(struct claims *claims)
{
    if (!claims)
        return;
    free_list(claims->call, claims->call_count);
    free_list(claims->roles, claims->role_count);
    *claims = (struct claims){0};
}

static enum err wrong_kind(const char *claim, const struct wire_value *value, const char *wanted, struct why why)
{
    return why_fail(why, ERR_UNAUTHORIZED, "the token's `%s` is %s; it should be %s", claim,
                    wire_kind_name(value->kind), wanted);
}

/* A NumericDate (RFC 7519 section 2): seconds, perhaps with a fraction. *ret_s stays when it is not there. */
static enum err read_date(const struct wire_value *root, const char *claim, bool required, uint64_t *ret_s,
                          struct why why)
{
    const struct wire_value *value = wire_find(root, claim);
    if (!value)
        return required ? why_fail(why, ERR_UNAUTHORIZED, "the token has no `%s`", claim) : ERR_OK;
    if (value->kind == WIRE_INT) {
        uint64_t s = value->integer < 0 ? 0 : (uint64_t)value->integer;
        *ret_s = s > seconds_max ? seconds_max : s;
    } else if (value->kind == WIRE_DOUBLE) {
        if (value->number <= 0)
            *ret_s = 0;
        else
            *ret_s = value->number >= (double)seconds_max ? seconds_max : (uint64_t)value->number;
    } else {
        return wrong_kind(claim, value, "a number of seconds since 1970", why);
    }
    return ERR_OK;
}

static enum err check_times(const struct wire_value *root, uint64_t now_s, uint64_t *ret_expires_s, struct why why)
{
    uint64_t expires_s = 0, not_before_s = 0;
    enum err e = read_date(root, "exp", true, &expires_s, why);
    if (e == ERR_OK)
        e = read_date(root, "nbf", false, &not_before_s, why);
    if (e != ERR_OK)
        return e;
    /* RFC 7519 section 4.1.4: the time must be before `exp` */
    if (now_s >= expires_s + JWT_LEEWAY_S)
        return why_fail(why, ERR_UNAUTHORIZED, "the token expired %" PRIu64 " s ago", now_s - expires_s);
    if (not_before_s > now_s + JWT_LEEWAY_S)
        return why_fail(why, ERR_UNAUTHORIZED, "the token is not valid for another %" PRIu64 " s (`nbf`)",
                        not_before_s - now_s);
    *ret_expires_s = expires_s;
    return ERR_OK;
}

static enum err check_issuer(const struct wire_value *root, const char *wanted, struct why why)
{
    const struct wire_value *issuer = wire_find(root, "iss");
    if (!wanted)
        return ERR_OK;
    if (!issuer)
        return why_fail(why, ERR_UNAUTHORIZED, "the token has no `iss`; it should be `%s`", wanted);
    if (issuer->kind != WIRE_STRING)
        return wrong_kind("iss", issuer, "a string", why);
    if (!slice_is(issuer->string, wanted))
        return why_fail(why, ERR_UNAUTHORIZED, "the token's `iss` is not `%s`", wanted);
    return ERR_OK;
}

static enum err check_audience(const struct wire_value *root, const char *wanted, struct why why)
{
    const struct wire_value *audience = wire_find(root, "aud");
    if (!wanted)
        return ERR_OK;
    if (!audience)
        return why_fail(why, ERR_UNAUTHORIZED, "the token has no `aud`; it should be `%s`", wanted);
    /* RFC 7519 section 4.1.3: a string, or an array of them */
    const struct wire_value *items = audience;
    size_t n = 1;
    if (audience->kind == WIRE_ARRAY) {
        items = audience->array.items;
        n = audience->array.n;
    }
    bool found = false;
    for (size_t i = 0; i < n; i++) {
        if (items[i].kind != WIRE_STRING)
            return wrong_kind("aud", &items[i], "a string or an array of strings", why);
        found = found || slice_is(items[i].string, wanted);
    }
    if (!found)
        return why_fail(why, ERR_UNAUTHORIZED, "the token's `aud` is not `%s`, nor is it among them", wanted);
    return ERR_OK;
}

static enum err read_name(const struct wire_value *root, const char *claim, bool required,
                          char ret_name[NAME_MAX_CHARS + 1], struct why why)
{
    const struct wire_value *value = wire_find(root, claim);
    if (!value)
        return required ? why_fail(why, ERR_UNAUTHORIZED, "the token has no `%s`", claim) : ERR_OK;
    if (value->kind != WIRE_STRING)
        return wrong_kind(claim, value, "a string", why);
    if (!name_is_valid(value->string))
        return why_fail(why, ERR_UNAUTHORIZED, "the token's `%s` is not 1 to %d of A-Z a-z 0-9 . _ @ : + -", claim,
                        NAME_MAX_CHARS);
    memcpy(ret_name, value->string.p, value->string.n);
    ret_name[value->string.n] = '\0';
    return ERR_OK;
}

static enum err read_display_name(const struct wire_value *root, char ret_name[JWT_DISPLAY_NAME_MAX + 1],
                                  struct why why)
{
    const struct wire_value *value = wire_find(root, "name");
    if (!value)
        return ERR_OK;
    if (value->kind != WIRE_STRING)
        return wrong_kind("name", value, "a string", why);
    size_t n = value->string.n;
    if (n > JWT_DISPLAY_NAME_MAX) {
        n = JWT_DISPLAY_NAME_MAX;
        while (n > 0 && ((unsigned char)value->string.p[n] & 0xC0) == 0x80) /* within a UTF-8 sequence */
            n--;
    }
    if (n > 0)
        memcpy(ret_name, value->string.p, n);
    ret_name[n] = '\0';
    return ERR_OK;
}

/* An array of strings; *ret_list and *ret_count hold what was read so far, also on failure. */
static enum err read_list(const struct wire_value *value, const char *claim, char ***ret_list, size_t *ret_count,
                          struct why why)
{
    if (value->kind != WIRE_ARRAY)
        return wrong_kind(claim, value, "an array of strings", why);
    if (value->array.n > JWT_PATTERNS_MAX)
        return why_fail(why, ERR_UNAUTHORIZED, "the token's `%s` has %zu entries, it may have %d", claim,
                        value->array.n, JWT_PATTERNS_MAX);
    if (value->array.n == 0)
        return ERR_OK;
    *ret_list = calloc(value->array.n, sizeof **ret_list);
    if (!*ret_list)
        return why_fail(why, ERR_UNAUTHORIZED, "out of memory");
    for (size_t i = 0; i < value->array.n; i++) {
        const struct wire_value *item = &value->array.items[i];
        if (item->kind != WIRE_STRING)
            return wrong_kind(claim, item, "an array of strings", why);
        if (item->string.n == 0 || item->string.n > PATTERN_MAX)
            return why_fail(why, ERR_UNAUTHORIZED, "an entry of the token's `%s` has %zu bytes, it may have 1 to %d",
                            claim, item->string.n, PATTERN_MAX);
        char *text = strndup(item->string.p, item->string.n);
        if (!text)
            return why_fail(why, ERR_UNAUTHORIZED, "out of memory");
        (*ret_list)[(*ret_count)++] = text;
    }
    return ERR_OK;
}

static enum err read_rights(const struct wire_value *root, struct claims *claims, struct why why)
{
    const struct wire_value *call = wire_find(root, "call");
    const struct wire_value *roles = wire_find(root, "roles");
    enum err e = ERR_OK;
    claims->has_call = call != NULL;
    if (call)
        e = read_list(call, "call", &claims->call, &claims->call_count, why);
    if (e == ERR_OK && roles)
        e = read_list(roles, "roles", &claims->roles, &claims->role_count, why);
    return e;
}

static enum err read_all(const struct wire_value *root, const struct jwt_expect *expect, uint64_t now_s,
                         struct claims *claims, struct why why)
{
    enum err e = check_times(root, now_s, &claims->expires_s, why);
    if (e == ERR_OK)
        e = check_issuer(root, expect ? expect->issuer : NULL, why);
    if (e == ERR_OK)
        e = check_audience(root, expect ? expect->audience : NULL, why);
    if (e == ERR_OK)
        e = read_name(root, "sub", true, claims->user, why);
    if (e == ERR_OK)
        e = read_name(root, "device", false, claims->device, why);
    if (e == ERR_OK)
        e = read_display_name(root, claims->name, why);
    if (e == ERR_OK)
        e = read_rights(root, claims, why);
    return e;
}

enum err claims_read(struct slice payload, const struct jwt_expect *expect, uint64_t now_s, struct claims *ret_claims,
                     struct why why)
{
    struct claims claims = {0};
    struct wire_doc *doc;
    /* its sentence would quote the token: not passed on */
    if (wire_decode(WIRE_JSON, payload, &doc, WHY_NONE) != ERR_OK)
        return why_fail(why, ERR_UNAUTHORIZED, "the token's payload is no JSON object, or one with a member twice");
    enum err e = read_all(wire_doc_root(doc), expect, now_s, &claims, why);
    if (e == ERR_OK)
        *ret_claims = claims;
    else
        claims_finish(&claims);
    wire_doc_destroy(doc);
    return e;
}
