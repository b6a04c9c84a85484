#include "common/auth/ice.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "common/auth/file.h"
#include "common/base/base64url.h"
#include "common/base/name.h"
#include "common/wire/writer.h"

enum {
    ICE_FILE_MAX = 64 * 1024,
    ICE_SERVERS_MAX = 32,
    ICE_URLS_MAX = 16,
    ICE_URL_MAX = 512,
    ICE_TEXT_MAX = 1024, /* username, credential, secret */
    ICE_TTL_MIN_S = 60,
    ICE_TTL_DEFAULT_S = 43200,
    ICE_TTL_MAX_S = 30 * 24 * 3600,
    SHA1_BYTES = 20,
    WHY_INNER = 200,
};

struct ice_server {
    struct buf urls; /* a msgpack array */
    char *username;  /* NULL: none, or made from the secret */
    char *credential;
    struct buf secret; /* empty: none */
    uint64_t ttl_s;    /* 0 without a secret */
};

struct ice_config {
    struct ice_server servers[ICE_SERVERS_MAX];
    size_t count;
};

static void server_finish(struct ice_server *server)
{
    buf_finish(&server->urls);
    free(server->username);
    free(server->credential);
    auth_file_forget(&server->secret);
}

struct ice_config *ice_config_none(void)
{
    struct ice_config *config = calloc(1, sizeof *config);
    if (!config)
        abort();
    return config;
}

void ice_config_destroy(struct ice_config *config)
{
    if (!config)
        return;
    for (size_t i = 0; i < config->count; i++)
        server_finish(&config->servers[i]);
    free(config);
}

static enum err mistake(struct why why, const char *sentence)
{
    return why_fail(why, ERR_SYNTAX, "%s", sentence);
}

/* RFC 7064 and 7065: the scheme, then a host at once; a browser throws on anything else. */
static enum err check_url(struct slice url, bool *ret_is_turn, struct why why)
{
    static const struct {
        struct slice scheme;
        bool is_turn;
    } schemes[] = {
        {{"stun:", 5}, false},
        {{"stuns:", 6}, false},
        {{"turn:", 5}, true},
        {{"turns:", 6}, true},
    };
    size_t i = 0;
    while (i < ARRAY_SIZE(schemes) && !slice_starts(url, schemes[i].scheme))
        i++;
    if (i == ARRAY_SIZE(schemes))
        return mistake(why, "a url does not begin with stun:, stuns:, turn: or turns:");
    if (url.n > ICE_URL_MAX)
        return why_fail(why, ERR_SYNTAX, "a url is longer than %d bytes", ICE_URL_MAX);
    struct slice host = slice_make(url.p + schemes[i].scheme.n, url.n - schemes[i].scheme.n);
    if (slice_starts(host, SLICE("//")))
        return mistake(why, "a url has // before its host; it should be as in turn:turn.example.org:3478");
    for (size_t k = 0; k < host.n; k++)
        if (host.p[k] <= ' ' || host.p[k] > '~')
            return mistake(why, "a url has a character that is no printable ASCII");
    if (host.n == 0 || host.p[0] == '?' || host.p[0] == ':')
        return mistake(why, "a url has no host");
    *ret_is_turn = schemes[i].is_turn;
    return ERR_OK;
}

/* `urls`: a string or an array of them. */
static enum err read_urls(const struct wire_value *value, struct buf *out, bool *ret_has_turn, struct why why)
{
    const struct wire_value *items = value;
    size_t n = 1;
    bool has_turn = false;
    if (value && value->kind == WIRE_ARRAY) {
        items = value->array.items;
        n = value->array.n;
    }
    if (!value || n == 0)
        return mistake(why, "`urls` is missing or empty");
    if (n > ICE_URLS_MAX)
        return why_fail(why, ERR_SYNTAX, "`urls` has %zu entries, it may have %d", n, ICE_URLS_MAX);
    wire_put_array(out, n);
    for (size_t i = 0; i < n; i++) {
        bool is_turn = false;
        if (items[i].kind != WIRE_STRING)
            return mistake(why, "`urls` is neither a string nor an array of strings");
        enum err e = check_url(items[i].string, &is_turn, why);
        if (e != ERR_OK)
            return e;
        has_turn = has_turn || is_turn;
        wire_put_string(out, items[i].string);
    }
    *ret_has_turn = has_turn;
    return buf_failed(out) ? why_fail(why, ERR_NO_MEMORY, "out of memory") : ERR_OK;
}

static enum err check_members(const struct wire_value *entry, struct why why)
{
    static const char *const texts[] = {"username", "credential", "credentialType", "secret", "secret_file"};
    for (size_t i = 0; i < entry->map.n; i++) {
        const struct wire_pair *pair = &entry->map.pairs[i];
        size_t k = 0;
        if (slice_is(pair->key, "urls") || slice_is(pair->key, "ttl_s"))
            continue;
        while (k < ARRAY_SIZE(texts) && !slice_is(pair->key, texts[k]))
            k++;
        if (k == ARRAY_SIZE(texts))
            return mistake(why, "it has a member besides urls, username, credential, secret, secret_file and ttl_s");
        if (pair->value.kind != WIRE_STRING || pair->value.string.n == 0 || pair->value.string.n > ICE_TEXT_MAX)
            return why_fail(why, ERR_SYNTAX, "`%s` is no string of 1 to %d bytes", texts[k], ICE_TEXT_MAX);
    }
    struct slice type = wire_get_string(entry, "credentialType");
    if (type.p && !slice_is(type, "password"))
        return mistake(why, "`credentialType` can only be password");
    return ERR_OK;
}

static enum err read_secret(const struct wire_value *entry, struct ice_server *server, struct why why)
{
    struct slice text = wire_get_string(entry, "secret");
    struct slice file = wire_get_string(entry, "secret_file");
    if (file.p) {
        char *path = slice_dup(file);
        enum err e = auth_file_read(path, ICE_TEXT_MAX, &server->secret, why);
        if (e == ERR_OK && auth_file_line(&server->secret).n == 0)
            e = why_fail(why, ERR_SYNTAX, "%s: empty", path);
        if (e == ERR_OK)
            buf_truncate(&server->secret, auth_file_line(&server->secret).n);
        free(path);
        if (e != ERR_OK)
            return e;
    } else {
        buf_init(&server->secret, ICE_TEXT_MAX);
        buf_put(&server->secret, text);
        if (buf_failed(&server->secret))
            return why_fail(why, ERR_NO_MEMORY, "out of memory");
    }
    int64_t ttl_s = wire_get_int(entry, "ttl_s", wire_find(entry, "ttl_s") ? -1 : ICE_TTL_DEFAULT_S);
    if (ttl_s < ICE_TTL_MIN_S || ttl_s > ICE_TTL_MAX_S)
        return why_fail(why, ERR_SYNTAX, "`ttl_s` is no integer from %d to %d", ICE_TTL_MIN_S, ICE_TTL_MAX_S);
    server->ttl_s = (uint64_t)ttl_s;
    return ERR_OK;
}

static enum err read_credentials(const struct wire_value *entry, bool has_turn, struct ice_server *server,
                                 struct why why)
{
    struct slice username = wire_get_string(entry, "username");
    struct slice credential = wire_get_string(entry, "credential");
    struct slice secret = wire_get_string(entry, "secret");
    struct slice file = wire_get_string(entry, "secret_file");
    bool fixed = username.p || credential.p;
    if (secret.p && file.p)
        return mistake(why, "it has both `secret` and `secret_file`");
    if (fixed && (secret.p || file.p))
        return mistake(why, "it has a secret beside `username` or `credential`");
    if (fixed && !(username.p && credential.p))
        return mistake(why, "of `username` and `credential` one is missing");
    if (!has_turn && (secret.p || file.p))
        return mistake(why, "it has a secret and no turn: or turns: url");
    if (has_turn && !fixed && !secret.p && !file.p)
        return mistake(why, "a turn: url needs `username` and `credential`, `secret` or `secret_file`");
    if (secret.p || file.p)
        return read_secret(entry, server, why);
    if (wire_find(entry, "ttl_s"))
        return mistake(why, "`ttl_s` needs `secret` or `secret_file`");
    if (fixed) {
        server->username = slice_dup(username);
        server->credential = slice_dup(credential);
    }
    return ERR_OK;
}

/* The server is to be finished whatever comes out. */
static enum err read_server(const struct wire_value *entry, struct ice_server *server, struct why why)
{
    bool has_turn = false;
    if (entry->kind != WIRE_MAP)
        return why_fail(why, ERR_SYNTAX, "it is %s; it should be an object", wire_kind_name(entry->kind));
    enum err e = check_members(entry, why);
    if (e == ERR_OK)
        e = read_urls(wire_find(entry, "urls"), &server->urls, &has_turn, why);
    if (e == ERR_OK)
        e = read_credentials(entry, has_turn, server, why);
    return e;
}

static enum err read_servers(struct slice json, struct ice_config *config, struct why why)
{
    struct wire_doc *doc;
    /* its sentence may quote the file, and so a secret: not passed on */
    if (wire_decode(WIRE_JSON, json, &doc, WHY_NONE) != ERR_OK)
        return mistake(why, "no JSON object, or one with a member twice");
    enum err e = ERR_OK;
    const struct wire_value *list = wire_find(wire_doc_root(doc), "iceServers");
    if (!list || list->kind != WIRE_ARRAY)
        e = mistake(why, "no array `iceServers` in it");
    else if (list->array.n > ICE_SERVERS_MAX)
        e = why_fail(why, ERR_SYNTAX, "`iceServers` has %zu entries, it may have %d", list->array.n, ICE_SERVERS_MAX);
    for (size_t i = 0; e == ERR_OK && i < list->array.n; i++) {
        char inner[WHY_INNER] = "";
        struct ice_server *server = &config->servers[config->count++];
        buf_init(&server->urls, ICE_FILE_MAX);
        e = read_server(&list->array.items[i], server, WHY_IN(inner));
        if (e != ERR_OK)
            why_fail(why, e, "entry %zu: %s", i + 1, inner);
    }
    wire_doc_destroy(doc);
    return e;
}

enum err ice_config_load(const char *path, struct ice_config **ret_config, struct why why)
{
    char inner[WHY_INNER] = "";
    struct ice_config *config = ice_config_none();
    struct buf file;
    enum err e = auth_file_read(path, ICE_FILE_MAX, &file, why);
    if (e != ERR_OK)
        goto fail;
    e = read_servers(buf_slice(&file), config, WHY_IN(inner));
    if (e != ERR_OK) {
        why_fail(why, e, "%s: %s", path, inner);
        goto fail;
    }
    auth_file_forget(&file);
    *ret_config = config;
    return ERR_OK;
fail:
    auth_file_forget(&file);
    ice_config_destroy(config);
    return e;
}

/* username and credential of draft-uberti-behave-turn-rest-00 section 2.2. */
static void put_fresh_credentials(const struct ice_server *server, struct slice user, uint64_t now_s, struct buf *out)
{
    assert(user.n <= NAME_MAX_CHARS);
    unsigned char mac[SHA1_BYTES];
    unsigned int n = 0;
    char text[20 + 1 + NAME_MAX_CHARS + 1];
    snprintf(text, sizeof text, "%" PRIu64 ":%.*s", now_s + server->ttl_s, SLICE_FMT(user));
    struct slice username = slice_of(text);
    struct buf credential;
    buf_init(&credential, 64);
    if (HMAC(EVP_sha1(), server->secret.p, (int)server->secret.n, (const unsigned char *)username.p, username.n, mac,
             &n))
        base64_encode(&credential, slice_make(mac, n));
    else
        credential.error = ERR_NO_MEMORY;
    wire_put_key_string(out, "username", username);
    wire_put_key_string(out, "credential", buf_slice(&credential));
    if (buf_failed(&credential) && !buf_failed(out))
        out->error = credential.error;
    buf_finish(&credential);
}

void ice_config_write(const struct ice_config *config, struct slice user, uint64_t now_s, struct buf *out)
{
    wire_put_array(out, config->count);
    for (size_t i = 0; i < config->count; i++) {
        const struct ice_server *server = &config->servers[i];
        bool has_credentials = server->ttl_s > 0 || server->username;
        wire_put_map(out, has_credentials ? 3 : 1);
        wire_put_key_raw(out, "urls", buf_slice(&server->urls));
        if (server->ttl_s > 0) {
            put_fresh_credentials(server, user, now_s, out);
        } else if (server->username) {
            wire_put_key_cstr(out, "username", server->username);
            wire_put_key_cstr(out, "credential", server->credential);
        }
    }
}

uint64_t ice_config_ttl_s(const struct ice_config *config)
{
    uint64_t shortest = 0;
    for (size_t i = 0; i < config->count; i++) {
        uint64_t ttl_s = config->servers[i].ttl_s;
        if (ttl_s > 0 && (shortest == 0 || ttl_s < shortest))
            shortest = ttl_s;
    }
    return shortest;
}
